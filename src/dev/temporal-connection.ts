/** A connection to a Temporal server for a demo or a chaos, its own or the user's. */
import { Connection, type ConnectionOptions } from '@temporalio/client';

/** How TEMPORAL_* names a server; `isGiven` false: none. */
export interface GivenTemporal {
  readonly isGiven: boolean;
  readonly address: string;
  readonly connection: ConnectionOptions;
}

const CONNECT_MS = 10_000;

/** @throws Error, for a person. */
export async function connectToTemporal(options: ConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_MS });
  } catch (error) {
    throw new Error(`cannot use Temporal at ${options.address}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
