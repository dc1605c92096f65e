/** The Temporal of docker-compose.yml without containers, from the same settings and scripts (deploy/temporal). */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lowPort } from './low-port.ts';
import { DATABASE_USER, startPostgres } from './postgres.ts';
import { findPrograms } from './programs.ts';
import { startServer } from './server.ts';

export interface StackOptions {
  /** Keeps the database and the logs. */
  readonly folder: string;
  /** Absent: a free one. */
  readonly port?: number;
  /** Made where it is missing. */
  readonly namespace: string;
  /** Folder of PostgreSQL's programs; absent: the newest of this machine. */
  readonly postgres?: string;
  /** Folder of temporal, temporal-server and temporal-sql-tool; absent: they are built once, with Go. */
  readonly temporal?: string;
  /** Lines of dynamic configuration beside those of deploy/temporal. */
  readonly dynamicConfig?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheDir: string;
}

export interface Stack {
  readonly address: string;
  readonly logFile: string;
  /** Of the server and of its database. */
  readonly pids: readonly number[];
  /** For a command that looks into the database, or calls `temporal`. */
  readonly tools: Readonly<Record<string, string>>;
  /** Settles when the server has ended by itself. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** @throws Error, for a person; nothing is left running then. */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { folder, namespace, dynamicConfig, env, cacheDir } = options;
  mkdirSync(folder, { recursive: true });
  // The user postgres must get through it.
  chmodSync(folder, 0o755);
  const programs = await findPrograms(options, env, cacheDir);
  const password = passwordIn(folder);
  const database = await startPostgres(
    programs.postgres,
    join(folder, 'postgres'),
    await lowPort('127.0.0.1'),
    password,
  );
  try {
    const server = await startServer({
      bin: programs.temporal,
      folder: join(folder, 'temporal'),
      port: options.port ?? (await lowPort('127.0.0.1')),
      namespace,
      database: { port: database.port, password },
      ...(dynamicConfig === undefined ? {} : { dynamicConfig }),
    });
    return {
      address: server.address,
      logFile: server.logFile,
      pids: [server.pid, database.pid],
      tools: {
        PATH: [programs.temporal, programs.postgres, env.PATH].join(':'),
        PGHOST: '127.0.0.1',
        PGPORT: String(database.port),
        PGUSER: DATABASE_USER,
        PGPASSWORD: password,
      },
      exited: server.exited,
      stop: async () => {
        await server.stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** One per database. */
function passwordIn(folder: string): string {
  const file = join(folder, 'password');
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}
