/** The Temporal server of one run, which all durable peers share, each in a namespace of its own. */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import { openStack } from '../scripts/stack/stack.ts';
import type { Env } from '../src/dev/child-env.ts';
import { makeNamespace, type OwnNamespace } from '../src/dev/own-namespace.ts';
import { connectToTemporal, type GivenTemporal } from '../src/dev/temporal-connection.ts';
import { startTemporalServer } from '../src/dev/temporal-server.ts';
import { actionsIn } from './machine/actions.ts';

export type ServerKind = 'sqlite' | 'postgresql' | 'given';

export interface BenchTemporal {
  readonly kind: ServerKind;
  /** `1.31.2 on sqlite`, as the server says. */
  readonly version: string;
  readonly address: string;
  /** Of all processes of the server, its database included; undefined for one that is not ours. */
  readonly pids: readonly number[] | undefined;
  /** Actions in a namespace so far, as Temporal Cloud would bill them; undefined where the server does not tell. */
  readonly actions: ((namespace: string) => Promise<number>) | undefined;
  /** A new namespace, for one peer. */
  namespace(): Promise<{ readonly namespace: string; readonly client: Client }>;
  close(): Promise<void>;
}

export interface BenchTemporalOptions {
  readonly kind: ServerKind;
  readonly given: GivenTemporal;
  readonly folder: string;
  readonly env: Env;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

/** @throws Error, for a person; the signal's reason. */
export async function openBenchTemporal(options: BenchTemporalOptions): Promise<BenchTemporal> {
  const { kind, given } = options;
  const server = await serverOf(options);
  let connection: Connection | undefined;
  try {
    connection = await connectToTemporal(kind === 'given' ? given.connection : { address: server.address });
    const { serverVersion, persistenceStore } = await connection.workflowService.getClusterInfo({});
    return served(options, server, connection, `${serverVersion} on ${persistenceStore}`);
  } catch (error) {
    await connection?.close();
    await server.close();
    throw error;
  }
}

function served(
  { kind, signal }: BenchTemporalOptions,
  server: Server,
  connection: Connection,
  version: string,
): BenchTemporal {
  const made: OwnNamespace[] = [];
  const { metricsUrl } = server;
  return {
    kind,
    version,
    address: server.address,
    pids: server.pids,
    actions: metricsUrl === undefined ? undefined : namespace => actionsIn(metricsUrl, namespace),
    namespace: async () => {
      const own = await makeNamespace('bench', connection, server.address, signal);
      made.push(own);
      return { namespace: own.namespace, client: new Client({ connection, namespace: own.namespace }) };
    },
    close: async () => {
      // A server of ours takes its namespaces along.
      if (kind === 'given') for (const own of made) await own.remove();
      await connection.close();
      await server.close();
    },
  };
}

interface Server {
  readonly address: string;
  readonly pids: readonly number[] | undefined;
  readonly metricsUrl?: string;
  close(): Promise<void>;
}

async function serverOf({
  kind,
  given,
  folder,
  env,
  cacheDir,
  signal,
}: BenchTemporalOptions): Promise<Server> {
  const place = join(folder, 'temporal');
  switch (kind) {
    case 'given':
      return { address: given.address, pids: undefined, close: async () => {} };
    case 'sqlite': {
      const server = await startTemporalServer({
        env,
        cacheDir,
        folder: place,
        output: process.stderr,
        signal,
      });
      const { address, pid, logFile, close } = server;
      const metricsUrl = logFile === undefined ? undefined : await metricsUrlIn(logFile);
      const pids = pid === undefined ? undefined : [pid];
      return { address, pids, close, ...(metricsUrl === undefined ? {} : { metricsUrl }) };
    }
    case 'postgresql': {
      await mkdir(place, { recursive: true });
      // The user postgres must get through it.
      await chmod(folder, 0o711);
      const stack = await openStack({ folder: place, namespace: 'default', env, cacheDir });
      return { address: stack.address, pids: stack.pids, close: stack.stop };
    }
    default:
      return kind satisfies never;
  }
}

/** `temporal server start-dev` takes a free port for them, and says which. */
async function metricsUrlIn(logFile: string): Promise<string | undefined> {
  return /http:\/\/\S+\/metrics/.exec(await readFile(logFile, 'utf8'))?.[0];
}
