/** All that is known of one session now: what its run says of itself, and what Temporal has under way for it. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type CallDetail, callsQuery, type SessionStatus, statusQuery } from '../workflows/messages.ts';
import { askOnce } from './asking.ts';
import { type PendingWork, pendingWork } from './pending-work.ts';

export interface SessionView {
  readonly runId: string;
  readonly status: SessionStatus;
  readonly calls: readonly CallDetail[];
  readonly pending: readonly PendingWork[];
  /** When the run ended; null: it goes on. */
  readonly endedAt: string | null;
  /** Grows with everything that happens in the run. */
  readonly historyLength: number;
}

/**
 * Of the session's newest run.
 *
 * @param known what was read before: no worker is asked again while nothing has happened in the run since.
 * @returns undefined where Temporal knows none.
 * @throws when Temporal or a worker does not answer within 10 s.
 */
export function viewSession(
  client: Client,
  id: string,
  known?: SessionView,
): Promise<SessionView | undefined> {
  return askOnce(client, async () => {
    const run = await client.workflow
      .getHandle(id)
      .describe()
      .catch(error => {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      });
    if (run === undefined) return undefined;
    const { runId, historyLength, status, closeTime } = run;
    const now = {
      runId,
      historyLength,
      pending: status.name === 'RUNNING' ? await pendingWork(client, run) : [],
      endedAt: closeTime?.toISOString() ?? null,
    };
    if (known?.runId === runId && known.historyLength === historyLength) return { ...known, ...now };
    const handle = client.workflow.getHandle(id, runId);
    // One after the other: a query that is left behind would be tried again on the closed connection.
    const told = await handle.query(statusQuery);
    return { ...now, status: told, calls: await handle.query(callsQuery) };
  });
}
