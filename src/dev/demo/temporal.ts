/** Temporal for one demo: a server of its own in the demo's folder, or a namespace of its own on the user's. */
import { join } from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import type { Env } from '../child-env.ts';
import { makeNamespace, type OwnNamespace } from '../own-namespace.ts';
import type { ProgressOutput } from '../progress.ts';
import { connectToTemporal, type GivenTemporal } from '../temporal-connection.ts';
import { startTemporalServer } from '../temporal-server.ts';

export interface DemoTemporalOptions {
  /** The caller's environment, to find or build a server. */
  readonly env: Env;
  readonly cacheDir: string;
  readonly given: GivenTemporal;
}

export interface DemoTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly isGiven: boolean;
  /** URL of the web UI; undefined where only its owner knows it. */
  readonly uiAddress: string | undefined;
  readonly client: Client;
  close(): Promise<void>;
}

/** @throws TemporalServerError or Error, for a person; the signal's reason. */
export async function openTemporal(
  options: DemoTemporalOptions,
  place: { readonly folder: string; readonly output: ProgressOutput; readonly signal: AbortSignal },
): Promise<DemoTemporal> {
  const { given, env, cacheDir } = options;
  const server = await startTemporalServer({
    env,
    cacheDir,
    folder: join(place.folder, 'temporal'),
    ui: true,
    output: place.output,
    signal: place.signal,
    ...(given.isGiven ? { external: { address: given.address } } : {}),
  });
  let connection: Connection | undefined;
  let own: OwnNamespace | undefined;
  const close = async () => {
    await own?.remove();
    await connection?.close();
    await server.close();
  };
  try {
    connection = await connectToTemporal(given.isGiven ? given.connection : { address: server.address });
    if (given.isGiven) own = await makeNamespace('demo', connection, given.address, place.signal);
    const namespace = own?.namespace ?? server.namespace;
    const { address, uiAddress } = server;
    const client = new Client({ connection, namespace });
    return { address, namespace, isGiven: given.isGiven, uiAddress, client, close };
  } catch (error) {
    await close();
    throw error;
  }
}
