/**
 * Approvals that come through us. A decision is durable as soon as it is accepted, but it counts only as the
 * server's word: when the API has taken it, or shows another verdict that was first.
 */
import { activeCalls } from './active-calls.ts';
import { type Decision, decisionWords } from './decision.ts';
import { callState, whyOf } from './records.ts';
import { type Call, callOf, isHeld, type SessionState } from './state.ts';

/** Whether a person may decide about this call now. */
export function isUndecided(call: Call): boolean {
  return isHeld(call) && call.halt === undefined && call.decision === undefined;
}

/** The calls that a person may decide about, in order; those of other clients too: the server asks whoever sees it. */
export function undecidedCalls(state: SessionState): Call[] {
  if (state.ended !== undefined) return [];
  return activeCalls(state).filter(isUndecided);
}

/** Why no decision about this call can be taken, in words for whoever made it; undefined: it can. */
export function whyNotHeld(state: SessionState, id: string): string | undefined {
  const call = callOf(state, id);
  if (call === undefined) return `${id} is no call of this session, or one that is not known yet`;
  const decided = call.decision === undefined ? undefined : decisionWords(call.decision);
  if (decided !== undefined) return `${id} is answered already: ${decided}`;
  if (call.phase.kind === 'settled') return `${id} is not held any more: ${whyOf(call)}`;
  if (call.permission !== 'ask') return `${id} needs no approval: it is ${callState(call)}`;
  if (call.verdict === 'allow') return `${id} is not held any more: it was allowed and is ${callState(call)}`;
  if (call.halt !== undefined) return `${id} is not held any more: it was interrupted`;
  return state.ended === undefined ? undefined : `${id} is not held any more: the session has ended`;
}

/** The first decision that the API has not been told yet. */
export function toConfirm(calls: readonly Call[]): { id: string; decision: Decision } | undefined {
  const call = calls.find(each => each.decision !== undefined && each.confirming !== true && isHeld(each));
  return call?.decision === undefined ? undefined : { id: call.id, decision: call.decision };
}

/** The calls that nobody has decided about in time; never those whose last decision the API refused. */
export function overdueCalls(calls: readonly Call[], now: number, deadlineMs: number): Call[] {
  return calls.filter(call => (dueAt(call, deadlineMs) ?? Number.POSITIVE_INFINITY) <= now);
}

/** Unix ms at which the next call is overdue; undefined: none will be. @param deadlineMs 0: no call ever is. */
export function nextDeadline(state: SessionState, deadlineMs: number): number | undefined {
  const due = undecidedCalls(state).flatMap(call => dueAt(call, deadlineMs) ?? []);
  return due.length === 0 ? undefined : Math.min(...due);
}

/** Ages count from when we first saw the call (§2.6). */
export function dueAt(call: Call, deadlineMs: number): number | undefined {
  if (deadlineMs <= 0 || !isUndecided(call) || call.refusal !== undefined) return undefined;
  return call.firstSeenAt + deadlineMs;
}
