/** Gives a claimed item to the workflow of its session, which owns it from then on and acknowledges it (W-16). */
import {
  ApplicationFailure,
  type Client,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { startSession } from '../client.ts';
import { errorText } from '../error-text.ts';
import { type Adoption, adoptWorkUpdate, RUN_ENDS, type WorkItem } from '../workflows/messages.ts';
import type { RunOptions } from '../workflows/run-input.ts';
import type { runSession } from '../workflows/run-session.ts';

export type Adopted =
  /** The run that has it. */
  | (Extract<Adoption, { kind: 'adopted' }> & { readonly handle: WorkflowHandle<typeof runSession> })
  | Extract<Adoption, { kind: 'dropped' }>
  /** Not now: try again. `expected`: that is the way of things, nothing to be told. */
  | { readonly kind: 'again'; readonly reason: string; readonly expected: boolean };

/** Milliseconds for one try: a workflow task, and the ack. */
const ANSWER_MS = 30_000;

/**
 * Starts the session's workflow with the item, or joins the one that runs and hands it over. Harmless to repeat.
 * Never throws.
 */
export async function adoptWork(
  client: Client,
  sessionId: string,
  work: WorkItem,
  options: Partial<RunOptions>,
): Promise<Adopted> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS, async () => {
      const handle = await startSession(client, sessionId, options, work);
      const adoption = await handle.executeUpdate(adoptWorkUpdate, { args: [work] });
      return adoption.kind === 'adopted' ? { ...adoption, handle } : adoption;
    });
  } catch (error) {
    const type = error instanceof WorkflowUpdateFailedError ? typeOf(error.cause) : undefined;
    // It ended between the two: the next try starts another.
    const expected =
      error instanceof WorkflowNotFoundError ||
      type === RUN_ENDS ||
      type === 'AcceptedUpdateCompletedWorkflow';
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : error;
    return { kind: 'again', reason: errorText(cause ?? error), expected };
  }
}

function typeOf(cause: Error | undefined): string | undefined {
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}
