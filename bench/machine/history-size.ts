/** How large the histories of a workflow are by now, those of the runs before a continue-as-new included. */
import type { Client } from '@temporalio/client';
import type { HistorySize } from '../sample.ts';

/** Also asks for the runs that went before: each names the next one in its last event. */
export async function historySizeOf(client: Client, workflowId: string): Promise<HistorySize> {
  const latest = await client.workflow.getHandle(workflowId).describe();
  let runId = latest.raw.workflowExecutionInfo?.firstRunId || latest.runId;
  const size = { events: 0, bytes: 0 };
  for (;;) {
    const run =
      runId === latest.runId ? latest : await client.workflow.getHandle(workflowId, runId).describe();
    size.events += run.historyLength;
    size.bytes += run.historySize ?? 0;
    if (runId === latest.runId) return size;
    runId = await nextRun(client, workflowId, runId);
  }
}

async function nextRun(client: Client, workflowId: string, runId: string): Promise<string> {
  const { namespace } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const next = history?.events?.[0]?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  if (!next) throw new Error(`run ${runId} of ${workflowId} does not name the run that followed it`);
  return next;
}
