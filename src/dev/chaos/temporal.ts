/** Temporal for one chaos: a server of its own that can be killed, or a namespace of its own on the user's. */
import { join } from 'node:path';
import { Client, type ClientOptions } from '@temporalio/client';
import { dataConverter, type EncryptionSettings } from '../../data-converter.ts';
import type { Env } from '../child-env.ts';
import { makeNamespace } from '../own-namespace.ts';
import { connectToTemporal, type GivenTemporal } from '../temporal-connection.ts';
import { startTemporalServer, type TemporalServer } from '../temporal-server.ts';

export interface ChaosTemporalOptions {
  readonly env: Env;
  readonly cacheDir: string;
  readonly given: GivenTemporal;
  /** Of the run: the database is below it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** How the workers encrypt; absent: not at all. */
  readonly encryption?: EncryptionSettings;
}

export interface ChaosTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly isGiven: boolean;
  readonly client: Client;
  /** SIGKILL; the database stays. Only for a server of our own. */
  kill(): Promise<void>;
  /** Starts it again on the same port and database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** @throws TemporalServerError or Error, for a person; the signal's reason. */
export async function openChaosTemporal(options: ChaosTemporalOptions): Promise<ChaosTemporal> {
  return options.given.isGiven ? onGiven(options) : onOwn(options);
}

function clientOf({ encryption }: ChaosTemporalOptions, options: ClientOptions): Client {
  return new Client({ ...options, ...(encryption && { dataConverter: dataConverter(encryption) }) });
}

async function onGiven(options: ChaosTemporalOptions): Promise<ChaosTemporal> {
  const { given, signal } = options;
  const { address } = given;
  const connection = await connectToTemporal({ ...given.connection, address });
  const own = await makeNamespace('chaos', connection, address, signal).catch(async error => {
    await connection.close();
    throw error;
  });
  const refuse = () => Promise.reject(new Error('the Temporal server is not ours to kill'));
  return {
    address,
    namespace: own.namespace,
    isGiven: true,
    client: clientOf(options, { connection, namespace: own.namespace }),
    kill: refuse,
    restart: refuse,
    close: async () => {
      await own.remove();
      await connection.close();
    },
  };
}

async function onOwn(options: ChaosTemporalOptions): Promise<ChaosTemporal> {
  const { env, cacheDir, folder, signal } = options;
  const place = { env, cacheDir, folder: join(folder, 'temporal'), signal };
  let server: TemporalServer = await startTemporalServer(place);
  const { address, namespace } = server;
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const connection = await connectToTemporal({ address }).catch(async error => {
    await server.close();
    throw error;
  });
  let closed = false;
  let restarting: Promise<void> | undefined;
  return {
    address,
    namespace,
    isGiven: false,
    client: clientOf(options, { connection, namespace }),
    kill: async () => {
      const { pid, exited } = server;
      if (pid === undefined) return;
      process.kill(pid, 'SIGKILL');
      await exited;
      // Frees the folder for the next one.
      await server.close();
    },
    restart: async () => {
      if (closed) return;
      restarting = startTemporalServer({ ...place, port }).then(started => {
        server = started;
      });
      await restarting;
    },
    close: async () => {
      closed = true;
      await connection.close();
      await restarting?.catch(() => {});
      await server.close();
    },
  };
}
