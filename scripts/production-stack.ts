/**
 * The Temporal of docker-compose.yml without containers: PostgreSQL and Temporal's server on loopback, from the same
 * settings and scripts (deploy/temporal).
 *
 *   npm run stack                                        # until Ctrl-C
 *   npm run stack -- -- npx vitest run --project e2e     # a command with TEMPORAL_ADDRESS, then the end
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { catchEndingSignals } from '../src/cli/ending-signals.ts';
import { readConfig } from '../src/config.ts';
import { openStack, type Stack } from './stack/stack.ts';

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
  let stack: Stack | undefined;
  let stopping = false;
  // Children that are tethered keep nobody alive.
  const alive = setInterval(() => {}, 60_000);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  try {
    stack = await openStack({
      folder,
      namespace: flags.namespace,
      env: config.env,
      cacheDir: config.cacheDir,
      ...(flags.port === undefined ? {} : { port: Number(flags.port) }),
      ...(flags.postgres === undefined ? {} : { postgres: flags.postgres }),
      ...(flags.temporal === undefined ? {} : { temporal: flags.temporal }),
      ...(command.length > 0 ? { dynamicConfig: FOR_TESTS } : {}),
    });
    const { address, logFile, tools, exited } = stack;
    say(`Temporal on PostgreSQL: TEMPORAL_ADDRESS=${address}, namespace ${flags.namespace}`);
    say(`its log: ${logFile}`);
    const stopped = new Promise<number>(done =>
      ending.signal.addEventListener('abort', () => done(ending.status() ?? 130)),
    );
    const died = exited.then(() => {
      if (!stopping) say(`the Temporal server ended by itself: see ${logFile}`);
      return 1;
    });
    const ran = command.length === 0 ? [] : [run(command, { ...tools, TEMPORAL_ADDRESS: address })];
    process.exitCode = await Promise.race([stopped, died, ...ran]);
  } catch (error) {
    say(`production-stack: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    stopping = true;
    await stack?.stop();
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
