import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { inBatches } from './in-batches.ts';

const REQUEST_MS = 10_000;

/** Terminates the workflows of these sessions: nothing of them is retried while the next workload is measured. */
export async function terminateAll(client: Client, workflowIds: readonly string[]): Promise<void> {
  await inBatches(workflowIds, async id => {
    try {
      await client.withDeadline(Date.now() + REQUEST_MS, () =>
        client.workflow.getHandle(id).terminate('measured'),
      );
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  });
}
