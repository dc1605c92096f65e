/**
 * A namespace for one demo (or chaos) on a server that is not its own. The queues of a namespace are shared: in the
 * user's, the demo's worker would take the calls of real sessions, and real workers those of the demo.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes } from '../register-search-attributes.ts';
import { searchAttributes } from '../search-attributes.ts';

export interface OwnNamespace {
  readonly namespace: string;
  remove(): Promise<void>;
}

const RETENTION_MS = 86_400_000;
/** A cluster's caches may take a minute to learn of a namespace. */
const USABLE_MS = 90_000;
const REQUEST_MS = 10_000;

/**
 * @param purpose who wants it, for its name and the error: `demo`.
 * @throws Error that says what to do where the server does not let us make one, or the signal's reason.
 */
export async function makeNamespace(
  purpose: string,
  connection: Connection,
  address: string,
  signal: AbortSignal,
): Promise<OwnNamespace> {
  const { workflowService, operatorService } = connection;
  const namespace = `holdfast-${purpose}-${randomBytes(4).toString('hex')}`;
  const soon = <T>(request: () => Promise<T>) => connection.withDeadline(Date.now() + REQUEST_MS, request);
  try {
    await soon(() =>
      workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msNumberToTs(RETENTION_MS),
      }),
    );
  } catch (error) {
    throw new Error(
      `${purpose} cannot make a namespace of its own on Temporal at ${address}: ${(error as Error).message}; ` +
        'unset TEMPORAL_ADDRESS to let it start its own server',
      { cause: error },
    );
  }
  const remove = async () => {
    await soon(() => operatorService.deleteNamespace({ namespace })).catch(() => {});
  };
  const deadline = performance.now() + USABLE_MS;
  for (;;) {
    try {
      signal.throwIfAborted();
      await registerSearchAttributes(connection, namespace, searchAttributes);
      await soon(() => workflowService.countWorkflowExecutions({ namespace }));
      return { namespace, remove };
    } catch (error) {
      if (signal.aborted || performance.now() > deadline) {
        await remove();
        throw error;
      }
      await sleep(100);
    }
  }
}
