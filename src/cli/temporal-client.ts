/** The command line's connection to Temporal. */
import { type Client, Connection } from '@temporalio/client';
import type { Config } from '../config.ts';
import { createTemporalClient } from '../data-converter.ts';
import { errorLine } from '../error-text.ts';
import { CliError } from './failure.ts';

const CONNECT_MS = 10_000;

/**
 * Runs `work` with a client and closes its connection.
 *
 * @throws CliError naming the address when no server answers there.
 */
export async function withTemporal<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const { address, namespace, connection: options } = config.temporal;
  const connection = await connect();
  try {
    return await work(createTemporalClient(config, connection));
  } finally {
    await connection.close();
  }

  async function connect(): Promise<Connection> {
    try {
      const made = await Connection.connect({ ...options, connectTimeout: CONNECT_MS });
      await made.withDeadline(Date.now() + CONNECT_MS, () =>
        made.workflowService.describeNamespace({ namespace }),
      );
      return made;
    } catch (error) {
      const hint = config.temporal.isGiven ? '' : '; start one with `holdfast up`, or set TEMPORAL_ADDRESS';
      throw new CliError(
        `cannot use Temporal at ${address}, namespace ${namespace}: ${errorLine(error)}${hint}`,
        1,
      );
    }
  }
}
