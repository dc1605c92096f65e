/**
 * The Temporal of docker-compose.yml without containers: PostgreSQL and Temporal's server on loopback, from the same
 * settings and scripts (deploy/temporal).
 *
 *   npm run stack                                        # until Ctrl-C
 *   npm run stack -- -- npx vitest run --project e2e     # a command with TEMPORAL_ADDRESS, then the end
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { catchEndingSignals } from '../src/cli/ending-signals.ts';
import { readConfig } from '../src/config.ts';
import { lowPort } from './stack/low-port.ts';
import { DATABASE_USER, startPostgres } from './stack/postgres.ts';
import { findPrograms } from './stack/programs.ts';
import { startServer } from './stack/server.ts';

interface Flags {
  readonly folder?: string;
  readonly port?: string;
  readonly namespace: string;
  readonly postgres?: string;
  readonly temporal?: string;
}

/** Not for production: a test makes a namespace and uses it at once. */
const FOR_TESTS = `system.forceSearchAttributesCacheRefreshOnRead:
  - value: true
frontend.namespaceRPS.visibility:
  - value: 200
`;

await new Command('production-stack')
  .description('a Temporal server on PostgreSQL, as docker-compose.yml has it, for as long as a command runs')
  .argument('[command...]', 'runs with TEMPORAL_ADDRESS set; none: until Ctrl-C')
  .option('--folder <folder>', 'keeps database and logs; else they go at the end')
  .option('--port <port>', 'of the server; else a free one')
  .option('--namespace <name>', 'made where it is missing', 'holdfast')
  .option('--postgres <folder>', 'of its programs; else the newest of this machine')
  .option(
    '--temporal <folder>',
    'of temporal, temporal-server and temporal-sql-tool; else they are built once, with Go',
  )
  .action(stack)
  .parseAsync();

async function stack(command: readonly string[], flags: Flags): Promise<void> {
  const config = readConfig();
  const ending = catchEndingSignals();
  const folder = flags.folder === undefined ? mkdtempSync(join(tmpdir(), 'hfp-')) : resolve(flags.folder);
  const stops: (() => Promise<void>)[] = [];
  let stopping = false;
  // Children that are tethered keep nobody alive.
  const alive = setInterval(() => {}, 60_000);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  try {
    mkdirSync(folder, { recursive: true });
    // The user postgres must get through it.
    chmodSync(folder, 0o755);
    const programs = await findPrograms(flags, config.env, config.cacheDir);
    const password = passwordIn(folder);
    const database = await startPostgres(
      programs.postgres,
      join(folder, 'postgres'),
      await lowPort('127.0.0.1'),
      password,
    );
    stops.unshift(database.stop);
    const server = await startServer({
      bin: programs.temporal,
      folder: join(folder, 'temporal'),
      port: flags.port === undefined ? await lowPort('127.0.0.1') : Number(flags.port),
      namespace: flags.namespace,
      database: { port: database.port, password },
      ...(command.length > 0 ? { dynamicConfig: FOR_TESTS } : {}),
    });
    stops.unshift(server.stop);
    say(`Temporal on PostgreSQL: TEMPORAL_ADDRESS=${server.address}, namespace ${flags.namespace}`);
    say(`its log: ${server.logFile}`);
    // For a command that looks into the database, or calls `temporal`.
    const tools = {
      PATH: [programs.temporal, programs.postgres, process.env.PATH].join(':'),
      PGHOST: '127.0.0.1',
      PGPORT: String(database.port),
      PGUSER: DATABASE_USER,
      PGPASSWORD: password,
    };
    const stopped = new Promise<number>(done =>
      ending.signal.addEventListener('abort', () => done(ending.status() ?? 130)),
    );
    const died = server.exited.then(() => {
      if (!stopping) say(`the Temporal server ended by itself: see ${server.logFile}`);
      return 1;
    });
    const ran = command.length === 0 ? [] : [run(command, { ...tools, TEMPORAL_ADDRESS: server.address })];
    process.exitCode = await Promise.race([stopped, died, ...ran]);
  } catch (error) {
    say(`production-stack: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    stopping = true;
    for (const stop of stops) await stop();
    if (flags.folder === undefined && process.exitCode === 0) rmSync(folder, { recursive: true });
    else say(`database and logs: ${folder}`);
    ending.release();
    clearInterval(alive);
  }
}

function run(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', code => done(code ?? 1));
  });
}

/** One per database. */
function passwordIn(folder: string): string {
  const file = join(folder, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}
