/** Which calls an earlier run of a session had given to a tool host (I4). */
import { getClient } from '@temporalio/activity';
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import { callsQuery } from '../workflows/messages.ts';

export interface StartedBeforeInput {
  readonly sessionId: string;
  /** The earlier run. */
  readonly runId: string;
}

export type StartedBefore =
  /** `startedAt` in Unix ms of the workflow's clock, by the id of each call that was started. */
  | { readonly kind: 'known'; readonly startedAt: Readonly<Record<string, number>> }
  /** The run's history is gone: each of its calls may have been started. */
  | { readonly kind: 'not-known'; readonly reason: string };

const DEADLINE_MS = 20_000;

/**
 * Asked only when a session's journal is gone: what a closed run has started is read from its history.
 * Any other error than a run that is not there is thrown, to be asked again.
 */
export async function startedBefore({ sessionId, runId }: StartedBeforeInput): Promise<StartedBefore> {
  const client = getClient();
  try {
    const calls = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflow.getHandle(sessionId, runId).query(callsQuery),
    );
    const started = calls.flatMap(({ id, startedAt }) =>
      startedAt === null ? [] : [[id, Date.parse(startedAt)] as const],
    );
    return { kind: 'known', startedAt: Object.fromEntries(started) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError)
      return { kind: 'not-known', reason: error.message };
    throw error;
  }
}
