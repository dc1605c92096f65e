/** The calls that wait for a person, and what a person says of them. */
import { randomUUID } from 'node:crypto';
import {
  type Client,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { errorText } from '../error-text.ts';
import { codesOf, INVALID_ARGUMENT } from '../grpc-error.ts';
import {
  type ApprovalAnswer,
  answerApprovalUpdate,
  type HeldCall,
  heldQuery,
} from '../workflows/messages.ts';
import { ANSWER_MS, ask, askOnce } from './asking.ts';
import { lenientClient } from './lenient-client.ts';
import { SESSION_QUERIES } from './session-rows.ts';
import { sharedTemporal } from './temporal.ts';

export interface HeldCalls {
  /** Oldest first within a session. */
  readonly calls: readonly HeldCall[];
  /** Sessions that could not be asked (no worker runs, say), and why. */
  readonly unanswered: readonly { readonly session: string; readonly reason: string }[];
}

const ASKED_AT_ONCE = 20;

/**
 * The calls that wait for an approval, of all sessions that are served now. A call that has just been held may be
 * missing for a moment: Temporal's list is eventually consistent.
 *
 * @param client absent: the one that the process shares, by `TEMPORAL_*`.
 * @param options.limitMs for each session's answer (10,000). Where nobody answers for the first ones, the others are not
 *   asked.
 * @throws what the list throws; a session that cannot be asked is told in `unanswered`.
 */
export async function heldCalls(
  client: Client = sharedTemporal().client,
  { limitMs = ANSWER_MS }: { readonly limitMs?: number } = {},
): Promise<HeldCalls> {
  const sessions = await sessionsThatHold(client);
  const calls: HeldCall[] = [];
  const unanswered: { session: string; reason: string }[] = [];
  for (let at = 0; at < sessions.length; at += ASKED_AT_ONCE) {
    const asked = sessions.slice(at, at + ASKED_AT_ONCE).map(async session => {
      try {
        return await heldCallsOf(client, session, limitMs);
      } catch (error) {
        unanswered.push({ session, reason: errorText(error) });
        return [];
      }
    });
    calls.push(...(await Promise.all(asked)).flat());
    const rest = sessions.slice(at + ASKED_AT_ONCE);
    if (unanswered.length < at + ASKED_AT_ONCE) continue;
    unanswered.push(
      ...rest.map(session => ({ session, reason: 'not asked: nobody answers for the others' })),
    );
    break;
  }
  return { calls, unanswered };
}

/** Those of one session. @throws when Temporal or a worker does not answer within 10 s, or no run is known. */
export function heldCallsOf(
  client: Client,
  sessionId: string,
  limitMs = ANSWER_MS,
): Promise<readonly HeldCall[]> {
  return askOnce(client, () => client.workflow.getHandle(sessionId).query(heldQuery), { limitMs });
}

async function sessionsThatHold(client: Client): Promise<string[]> {
  try {
    return await idsOf(client, SESSION_QUERIES.held);
  } catch (error) {
    // Where the search attributes could not be registered, every session is asked.
    if (!codesOf(error).includes(INVALID_ARGUMENT)) throw error;
    return idsOf(client, SESSION_QUERIES.running);
  }
}

async function idsOf(client: Client, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of lenientClient(client).workflow.list({ query })) ids.push(workflowId);
  return ids;
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
    // A run that continues as new at that moment drops what it was asked; what it took is not taken twice.
    const updateId = randomUUID();
    const asked = () => handle.executeUpdate(answerApprovalUpdate, { args: [answer], updateId });
    await ask(client, `the answer to ${answer.callId}`, asked, { unansweredMs: ANSWER_MS });
    return { kind: 'accepted' };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'not-served' };
    if (error instanceof WorkflowUpdateFailedError)
      return { kind: 'rejected', reason: errorText(error.cause ?? error) };
    throw error;
  }
}
