/** Where a session ran last: the memo of its workflow's previous run, however that run ended (§4). */
import type { Client } from '@temporalio/client';
import { errorText } from '../error-text.ts';
import { codesOf, PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED } from '../grpc-error.ts';
import type { Workspace } from '../workflows/run-input.ts';

export interface LastHost extends Workspace {
  /** The run that had it: it knows which calls have reached it. */
  readonly runId: string;
}

/** What a server says that will never tell us: then the session takes any host. */
const NEVER = [PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED];

/**
 * Finds it through visibility. Absence is null, and so is a server that does not let us ask: the session then
 * takes any host. Any other error is thrown, to be asked again: a guess could start a call a second time (I4).
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
        return lastHostOf(memo, runId);
      });
    } catch (error) {
      if (!codesOf(error).some(code => NEVER.includes(code))) throw error;
      log(`the last host of ${workflowId} is not known: ${errorText(error)}`);
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

function lastHostOf(memo: Record<string, unknown> | undefined, runId: string): LastHost | null {
  const { host, incarnation, hostLostMs = 0, startedBy } = memo ?? {};
  if (typeof host !== 'string' || typeof incarnation !== 'string') return null;
  // A run that has only handed on what it was told names the run that had it.
  const had = typeof startedBy === 'string' ? startedBy : runId;
  return { host, incarnation, hostLostMs: Number(hostLostMs), runId: had };
}
