/** Temporal's server on PostgreSQL, with the files that docker-compose.yml uses: deploy/temporal. */
import { execFile } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { spawnTethered } from '../../src/dev/tethered-process.ts';
import { lowPort } from './low-port.ts';
import { DATABASE_USER } from './postgres.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy/temporal', import.meta.url));
const HOST = '127.0.0.1';

export interface ServerOptions {
  /** Folder of temporal, temporal-server and temporal-sql-tool. */
  readonly bin: string;
  /** For its log and its configuration. */
  readonly folder: string;
  readonly port: number;
  readonly namespace: string;
  readonly database: { readonly port: number; readonly password: string };
  /** Lines of dynamic configuration beside those of deploy/temporal. */
  readonly dynamicConfig?: string;
}

export interface Server {
  readonly address: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** Brings the schema up to date, starts the server and makes the namespace. @throws Error with what a step said. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { bin, folder, port, database } = options;
  mkdirSync(folder, { recursive: true });
  const dynamicConfig = join(folder, 'dynamicconfig.yaml');
  const given = readFileSync(join(DEPLOY, 'dynamicconfig.yaml'), 'utf8');
  writeFileSync(dynamicConfig, `${given}\n${options.dynamicConfig ?? ''}`);
  const env: Record<string, string | undefined> = {
    ...settings(),
    PATH: `${bin}:${process.env.PATH}`,
    // The CLI looks for profiles in it; here are none.
    HOME: folder,
    POSTGRES_SEEDS: HOST,
    DB_PORT: String(database.port),
    POSTGRES_USER: DATABASE_USER,
    POSTGRES_PWD: database.password,
    SQL_PASSWORD: database.password,
    BIND_ON_IP: HOST,
    TEMPORAL_BROADCAST_ADDRESS: HOST,
    FRONTEND_GRPC_PORT: String(port),
    PROMETHEUS_ENDPOINT: `${HOST}:${await lowPort(HOST)}`,
    DYNAMIC_CONFIG_FILE_PATH: dynamicConfig,
  };
  const others = ['FRONTEND_HTTP', 'HISTORY_GRPC', 'MATCHING_GRPC', 'WORKER_GRPC'];
  const members = ['FRONTEND', 'HISTORY', 'MATCHING', 'WORKER'].map(name => `${name}_MEMBERSHIP`);
  for (const name of [...others, ...members]) env[`${name}_PORT`] = String(await lowPort(HOST));
  const script = (name: string, more: Record<string, string> = {}) =>
    promisify(execFile)('/bin/sh', [join(DEPLOY, name)], {
      env: { ...env, ...more } as NodeJS.ProcessEnv,
      cwd: folder,
    });
  await script('schema.sh');
  const logFile = join(folder, 'server.log');
  const server = await spawnTethered(join(bin, 'temporal-server'), ['start'], {
    ...{ env, cwd: folder, output: openSync(logFile, 'a') },
  });
  const address = `${HOST}:${port}`;
  try {
    const made = script('namespace.sh', {
      ...{ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: options.namespace, RETENTION: '720h' },
    });
    made.catch(() => {});
    const died = server.exited.then(({ code }) => {
      throw new Error(`it ended with exit code ${code}`);
    });
    await Promise.race([made, died]);
    died.catch(() => {});
  } catch (error) {
    await server.stop(0);
    throw new Error(`the Temporal server does not serve, its log is ${logFile}: ${(error as Error).message}`);
  }
  return {
    address,
    pid: server.pid,
    logFile,
    exited: server.exited,
    stop: async () => void (await server.stop(30_000)),
  };
}

/** `NAME=value` lines of deploy/temporal/server.env. */
function settings(): Record<string, string> {
  const lines = readFileSync(join(DEPLOY, 'server.env'), 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap(line => {
      const found = /^([A-Z_]+)=(.*)$/.exec(line);
      return found === null ? [] : [[found[1] ?? '', found[2] ?? ''] as const];
    }),
  );
}
