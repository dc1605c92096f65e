/** The Temporal client that a process shares where a backend brings none of its own. */
import { type Client, Connection } from '@temporalio/client';
import { readConfig } from '../config.ts';
import { createTemporalClient } from '../data-converter.ts';
import { runOptionsOf } from '../run-options.ts';
import type { RunOptions } from '../workflows/run-input.ts';

export interface SharedTemporal {
  readonly client: Client;
  readonly address: string;
  /** What the settings say of runs. */
  readonly limits: Partial<RunOptions>;
}

let shared: SharedTemporal | undefined;

/** @throws ConfigError for settings that cannot be used. Connects with the first request. */
export function sharedTemporal(): SharedTemporal {
  if (shared !== undefined) return shared;
  const config = readConfig();
  const { address, connection } = config.temporal;
  const client = createTemporalClient(config, Connection.lazy(connection));
  shared = { client, address, limits: runOptionsOf(config) };
  return shared;
}

/** Closes the connection that the process shared; the next start opens another. */
export async function disconnect(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.client.connection.close();
}
