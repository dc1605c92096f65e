/** For backends: start a session's workflow, read what it came to, and answer what it asks a person. */
import {
  ApplicationFailure,
  type Client,
  isGrpcServiceError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { errorText } from './error-text.ts';
import { SESSIONS_QUEUE } from './workflows/activity-options.ts';
import {
  type ApprovalAnswer,
  answerApprovalUpdate,
  type HeldCall,
  heldQuery,
  type SessionSummary,
  type Wake,
  type WorkItem,
  wakeSignal,
} from './workflows/messages.ts';
import type { RunOptions } from './workflows/run-input.ts';
import type { runSession } from './workflows/run-session.ts';

/** A worker that does not answer a workflow task for this long has lost it (design §5). */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

/**
 * Starts the workflow of a session, or wakes the one that runs: calling it twice is harmless, and a run that is
 * about to end looks again. The workflow's id is the session's.
 *
 * @param options limits of the run; absent ones are `DEFAULT_OPTIONS`. A run that is joined takes what `Wake` holds.
 * @param work a claimed work item that the run is started for; one that runs is told by `adoptWork`.
 */
export async function startSession(
  client: Client,
  sessionId: string,
  options: Partial<RunOptions> = {},
  work?: WorkItem,
): Promise<WorkflowHandle<typeof runSession>> {
  return client.workflow.signalWithStart<typeof runSession, [Wake]>('runSession', {
    workflowId: sessionId,
    taskQueue: SESSIONS_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
    args: [{ sessionId, options, ...(work === undefined ? {} : { work }) }],
    signal: wakeSignal,
    signalArgs: [wakeOf(options)],
    staticSummary: `tools of ${sessionId}`,
  });
}

function wakeOf({ maxIdleMs, maxDurationMs, approvalDeadlineMs }: Partial<RunOptions>): Wake {
  return {
    ...(maxIdleMs === undefined ? {} : { maxIdleMs }),
    ...(maxDurationMs === undefined ? {} : { maxDurationMs }),
    ...(approvalDeadlineMs === undefined ? {} : { approvalDeadlineMs }),
  };
}

/** The summary of a run, also of one that failed; undefined when it has none (terminated by hand, say). */
export async function summaryOfRun(handle: WorkflowHandle<typeof runSession>): Promise<SessionSummary> {
  try {
    return await handle.result();
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    const summary = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
    if (isSummary(summary)) return summary;
    throw error;
  }
}

function isSummary(value: unknown): value is SessionSummary {
  return typeof value === 'object' && value !== null && 'session' in value && 'calls' in value;
}

export interface HeldCalls {
  /** Oldest first within a session. */
  readonly calls: readonly HeldCall[];
  /** Sessions that could not be asked (no worker runs, say), and why. */
  readonly unanswered: readonly { readonly session: string; readonly reason: string }[];
}

/** Milliseconds for one session's answer: it needs a worker. */
const ANSWER_MS = 10_000;
const ASKED_AT_ONCE = 20;

/**
 * The calls that wait for an approval, of all sessions that are served now. A call that has just been held may be
 * missing for a moment: Temporal's list is eventually consistent.
 *
 * @throws what the list throws; a session that cannot be asked is told in `unanswered`.
 */
export async function heldCalls(client: Client): Promise<HeldCalls> {
  const sessions = await sessionsThatHold(client);
  const calls: HeldCall[] = [];
  const unanswered: { session: string; reason: string }[] = [];
  for (let at = 0; at < sessions.length; at += ASKED_AT_ONCE) {
    const asked = sessions.slice(at, at + ASKED_AT_ONCE).map(async session => {
      try {
        return await client.withDeadline(Date.now() + ANSWER_MS, () =>
          client.workflow.getHandle(session).query(heldQuery),
        );
      } catch (error) {
        unanswered.push({ session, reason: errorText(error) });
        return [];
      }
    });
    calls.push(...(await Promise.all(asked)).flat());
  }
  return { calls, unanswered };
}

async function sessionsThatHold(client: Client): Promise<string[]> {
  const served = "WorkflowType = 'runSession' AND ExecutionStatus = 'Running'";
  try {
    return await idsOf(client, `${served} AND HoldfastHeldCalls > 0`);
  } catch (error) {
    // Where the search attributes could not be registered, every session is asked.
    if (!isInvalidQuery(error)) throw error;
    return idsOf(client, served);
  }
}

async function idsOf(client: Client, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

const INVALID_ARGUMENT = 3;

function isInvalidQuery(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause].some(each => isGrpcServiceError(each) && Number(each.code) === INVALID_ARGUMENT);
}

export type ApprovalTaken =
  /** It is durable, and told to the API until the server has a verdict. */
  | { readonly kind: 'accepted' }
  /** The call does not wait for an approval (any more); `reason` says why, for a person. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** No run of the session is under way: its calls wait until it is started. */
  | { readonly kind: 'not-served' };

/**
 * Allows or denies a held call.
 *
 * @throws when Temporal or a worker does not answer within 10 s: then it is not known whether it was accepted, and
 *   asking again is safe.
 */
export async function answerApproval(
  client: Client,
  sessionId: string,
  answer: ApprovalAnswer,
): Promise<ApprovalTaken> {
  const handle: WorkflowHandle = client.workflow.getHandle(sessionId);
  try {
    await client.withDeadline(Date.now() + ANSWER_MS, () =>
      handle.executeUpdate(answerApprovalUpdate, { args: [answer] }),
    );
    return { kind: 'accepted' };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'not-served' };
    if (error instanceof WorkflowUpdateFailedError)
      return { kind: 'rejected', reason: errorText(error.cause ?? error) };
    throw error;
  }
}
