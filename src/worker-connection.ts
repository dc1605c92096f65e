/** A worker's connection to Temporal, and what it must know of its namespace. */
import { tsToMs } from '@temporalio/common/lib/time.js';
import { NativeConnection } from '@temporalio/worker';
import type { Config } from './config.ts';
import { errorText } from './error-text.ts';
import { WorkerError } from './worker-error.ts';

/** @throws WorkerError where the server does not answer, or does not know the namespace. */
export async function connectWorker(config: Pick<Config, 'temporal'>) {
  const { address, connection, namespace } = config.temporal;
  try {
    const native = await NativeConnection.connect(connection);
    const described = await native.withDeadline(Date.now() + 10_000, () =>
      native.workflowService.describeNamespace({ namespace }),
    );
    const retentionMs = tsToMs(described.config?.workflowExecutionRetentionTtl);
    // Where the server does not tell its id, its name must do.
    return { connection: native, namespaceId: described.namespaceInfo?.id || namespace, retentionMs };
  } catch (error) {
    throw new WorkerError(
      `cannot use Temporal at ${address}, namespace ${namespace}: ${errorText(error)}; \`holdfast doctor\` says more`,
      false,
    );
  }
}
