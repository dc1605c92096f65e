/** Where a session ran last: the memo of its workflow's previous run, however that run ended (§4). */
import type { Client } from '@temporalio/client';

export interface LastHost {
  readonly host: string;
  /** The workspace's incarnation there (I4). */
  readonly incarnation: string;
}

/**
 * Finds it through visibility. Absence and every error are null: the session then takes any host.
 *
 * @param client as in `() => getClient()`.
 * @param deadlineMs milliseconds for the look-up (5,000).
 */
export function createLastHostLookup(
  client: () => Client,
  options: { readonly deadlineMs?: number; readonly log?: (line: string) => void } = {},
) {
  const log = options.log ?? (line => console.warn(line));
  return async (workflowId: string, currentRunId: string): Promise<LastHost | null> => {
    if (/['"\\]/.test(workflowId)) return null;
    try {
      const temporal = client();
      return await temporal.withDeadline(Date.now() + (options.deadlineMs ?? 5_000), async () => {
        const runId = await previousRun(temporal, workflowId, currentRunId);
        if (runId === undefined) return null;
        const { memo } = await temporal.workflow.getHandle(workflowId, runId).describe();
        return lastHostOf(memo);
      });
    } catch (error) {
      log(`the last host of ${workflowId} is not known: ${error instanceof Error ? error.message : error}`);
      return null;
    }
  };
}

/** Not filtered by status: visibility may still call a run open that has just ended. */
async function previousRun(
  client: Client,
  workflowId: string,
  currentRunId: string,
): Promise<string | undefined> {
  let newest: { runId: string; at: number } | undefined;
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'`, pageSize: 20 })) {
    if (run.runId === currentRunId) continue;
    const at = run.startTime.getTime();
    if (newest === undefined || at > newest.at) newest = { runId: run.runId, at };
    // The server lists the newest first; a session that was woken a hundred times is not read to its start.
    else break;
  }
  return newest?.runId;
}

function lastHostOf(memo: Record<string, unknown> | undefined): LastHost | null {
  const { host, incarnation } = memo ?? {};
  return typeof host === 'string' && typeof incarnation === 'string' ? { host, incarnation } : null;
}
