/** What Temporal knows of a session's newest run: whether its files are still needed, and since when not. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { LastRun } from './tool-host/retention.ts';
import type { SessionSummary } from './workflows/messages.ts';

const ASK_MS = 5_000;

/** Rejects when Temporal cannot be asked. */
export function createLastRun(client: Client) {
  return async (sessionId: string): Promise<LastRun> => {
    try {
      const { status, closeTime, runId } = await client.withDeadline(Date.now() + ASK_MS, () =>
        client.workflow.getHandle(sessionId).describe(),
      );
      if (closeTime === undefined || status.name === 'CONTINUED_AS_NEW') return { kind: 'running' };
      const forGood = async () =>
        status.name === 'COMPLETED' && (await endedForGood(client, sessionId, runId));
      const inOrder = status.name === 'COMPLETED' || status.name === 'CANCELLED';
      return { kind: 'ended', inOrder, at: closeTime.getTime(), forGood };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'forgotten' };
      throw error;
    }
  };
}

/** The run's own word: `done` is also what an idle run comes to. */
async function endedForGood(client: Client, sessionId: string, runId: string): Promise<boolean> {
  const summary: SessionSummary = await client.withDeadline(Date.now() + ASK_MS, () =>
    client.workflow.getHandle(sessionId, runId).result(),
  );
  return summary.state === 'done' && summary.reason !== 'idle';
}
