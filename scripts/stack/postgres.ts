/** A PostgreSQL of one's own on loopback, in a folder; as the user postgres where this is root, which it refuses. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnTethered, type TetheredProcess } from '../../src/dev/tethered-process.ts';

export interface Postgres {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export const DATABASE_USER = 'temporal';
const READY_MS = 30_000;

/** @param bin folder of its programs. @throws Error, for a person, with the place of its log. */
export async function startPostgres(
  bin: string,
  folder: string,
  port: number,
  password: string,
): Promise<Postgres> {
  const data = join(folder, 'data');
  const logFile = join(folder, 'postgres.log');
  mkdirSync(folder, { recursive: true });
  const as = asPostgres();
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid ?? as.uid);
  const run = (file: string, args: readonly string[]) => [...as.prefix, join(bin, file), ...args];
  if (!existsSync(data)) {
    const secret = join(folder, 'password');
    writeFileSync(secret, password, { mode: 0o600 });
    if (as.uid !== undefined) chownSync(secret, as.uid, as.gid ?? as.uid);
    const [file = '', ...args] = run('initdb', [
      ...['-D', data, '-U', DATABASE_USER, '--auth=scram-sha-256', `--pwfile=${secret}`, '--encoding=UTF8'],
      '--no-locale',
    ]);
    execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
    rmSync(secret);
  }
  const log = openSync(logFile, 'a');
  if (as.uid !== undefined) chmodSync(logFile, 0o644);
  const [file = '', ...args] = run('postgres', [
    ...['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'],
  ]);
  const env = { PATH: process.env.PATH, LANG: 'C' };
  const server = await spawnTethered(file, args, { env, cwd: folder, output: log });
  await ready(server, join(bin, 'pg_isready'), port, logFile);
  return { port, pid: server.pid, stop: async () => void (await server.stop(30_000)) };
}

interface As {
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

function asPostgres(): As {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return {
    prefix: ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'],
    uid: id('-u'),
    gid: id('-g'),
  };
}

async function ready(server: TetheredProcess, probe: string, port: number, logFile: string): Promise<void> {
  const state: { ended?: string } = {};
  void server.exited.then(({ code, signal }) => {
    state.ended = signal ?? `exit ${code}`;
  });
  const deadline = Date.now() + READY_MS;
  for (;;) {
    try {
      execFileSync(probe, ['-h', '127.0.0.1', '-p', String(port), '-q'], { stdio: 'ignore' });
      return;
    } catch {
      if (state.ended !== undefined) throw new Error(`PostgreSQL ended (${state.ended}): see ${logFile}`);
      if (Date.now() > deadline) throw new Error(`PostgreSQL is not ready after 30 s: see ${logFile}`);
      await sleep(100);
    }
  }
}
