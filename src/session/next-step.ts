/**
 * What to do next, told by the state alone. The workflow takes the step, folds the fact that records it, and
 * asks again until it is told to wait; so whatever happened, the same state always leads to the same action.
 */
import { activeCalls, isQueued } from './active-calls.ts';
import { overdueCalls, toConfirm } from './approvals.ts';
import type { Decision } from './decision.ts';
import { conflict } from './locks.ts';
import { isBefore, type Order, stampOf } from './order.ts';
import { type Call, callOf, isHeld, pendingCalls, type SessionState, type Stop } from './state.ts';

export type NextStep =
  /** A call may run, and no workspace is open yet. */
  | { readonly kind: 'open-workspace' }
  | { readonly kind: 'run'; readonly ids: readonly string[] }
  /** End the tools of these calls, wherever they run (I10). */
  | { readonly kind: 'stop'; readonly ids: readonly string[]; readonly reason: string }
  /** Nobody has decided about these held calls in time. */
  | { readonly kind: 'deny'; readonly ids: readonly string[] }
  /** Tell the API what was decided about a held call. */
  | { readonly kind: 'confirm'; readonly id: string; readonly decision: Decision }
  /** Post the results of these calls in one request. */
  | { readonly kind: 'post'; readonly ids: readonly string[] }
  /** Post one result from the host whose journal holds it. */
  | { readonly kind: 'post-stored'; readonly id: string }
  /** `requires_action` names calls that do not fit our state: read them from the server (§2.7). */
  | {
      readonly kind: 'recheck';
      readonly idleId: string;
      readonly unknown: readonly string[];
      readonly believedPosted: readonly string[];
    }
  | { readonly kind: 'end'; readonly state: 'done' | 'stopped'; readonly reason: string }
  /** Nothing until a message comes, or until this time (Unix ms). */
  | { readonly kind: 'wait'; readonly until?: number };

export interface Limits {
  /** Calls of one session that may run at a time. */
  readonly maxParallel: number;
  /** Milliseconds the server has for closing interrupted calls before we answer them (§2.8). */
  readonly interruptGraceMs: number;
  /** Milliseconds after which a held call that nobody has decided about is denied; absent or 0: never. */
  readonly approvalDeadlineMs?: number;
  readonly workspaceOpen: boolean;
  /** Whether it is being opened right now. */
  readonly workspaceOpening?: boolean;
}

/** Results that one request may carry; its bytes are bounded where it is sent. */
const POST_AT_ONCE = 50;
/** Milliseconds after its grace that a person's stop waits for results to be posted. */
const STOP_SETTLE_MS = 30_000;
/** Calls that wait for an earlier one, beyond which nothing is looked for that need not: the first always runs. */
const LOOK_AHEAD = 500;

export function nextStep(state: SessionState, now: number, limits: Limits): NextStep {
  if (state.ended !== undefined) {
    const how = state.ended === 'session.deleted' ? 'deleted' : 'terminated';
    return { kind: 'end', state: 'done', reason: how };
  }
  // A stop may have to answer what only waits for its turn.
  const calls = state.stop === undefined ? activeCalls(state) : pendingCalls(state);
  const overdue = (call: Call) =>
    (call.halt?.by === 'interrupt' && now >= call.halt.at + limits.interruptGraceMs) ||
    isGivenUp(state, call);

  const stop = toStop(state, calls, now);
  if (stop.length > 0)
    return { kind: 'stop', ids: stop.map(call => call.id), reason: stopReason(state, stop) };

  const overdueHolds = overdueCalls(calls, now, limits.approvalDeadlineMs ?? 0);
  if (overdueHolds.length > 0) return { kind: 'deny', ids: overdueHolds.map(call => call.id) };
  const confirm = toConfirm(calls);
  if (confirm !== undefined) return { kind: 'confirm', ...confirm };

  const stored = calls.find(
    call =>
      isPostable(call, overdue) && call.phase.kind === 'finished' && call.phase.outcome.kind === 'stored',
  );
  if (stored !== undefined) return { kind: 'post-stored', id: stored.id };
  const ready = calls.filter(call => isPostable(call, overdue));
  const alone = ready.find(call => call.alone);
  if (alone !== undefined) return { kind: 'post', ids: [alone.id] };
  if (ready.length > 0) return { kind: 'post', ids: ready.slice(0, POST_AT_ONCE).map(call => call.id) };

  if (state.stop === undefined) {
    const run = toRun(state, calls, limits.maxParallel);
    if (run.length > 0 && limits.workspaceOpen) return { kind: 'run', ids: run.map(call => call.id) };
    if (run.length > 0 && limits.workspaceOpening !== true) return { kind: 'open-workspace' };
  } else if (isStopped(state, state.stop, calls, now)) {
    return { kind: 'end', state: 'stopped', reason: state.stop.reason };
  }
  return recheck(state) ?? { kind: 'wait', ...deadline(state, calls, now, limits) };
}

/**
 * Calls to start, in order: a call waits for each earlier one that it conflicts with. One that is held, not
 * ours or kept from starting by an interrupt blocks nothing.
 */
function toRun(state: SessionState, active: readonly Call[], maxParallel: number): Call[] {
  const chosen: Call[] = [];
  // Those that stand later too: a call that was held, or that came late, may find one running.
  const busy = active.filter(call => call.phase.kind === 'running');
  let slots = maxParallel - busy.length;
  let behind = 0;
  for (const id of state.pending) {
    if (slots <= 0 || behind >= LOOK_AHEAD) break;
    const call = callOf(state, id);
    if (call === undefined || !isQueued(call)) continue;
    if (call.listed && busy.every(earlier => !conflict(earlier.locks, call.locks))) {
      chosen.push(call);
      slots--;
    } else behind++;
    busy.push(call);
  }
  return chosen;
}

/** I10: tools whose calls are interrupted, answered by somebody else, or past a person's grace. */
function toStop(state: SessionState, calls: readonly Call[], now: number): Call[] {
  const graceOver = state.stop !== undefined && now >= state.stop.at + state.stop.graceMs;
  return calls.filter(
    call => call.phase.kind === 'running' && call.stopSent !== true && (call.halt !== undefined || graceOver),
  );
}

function stopReason(state: SessionState, calls: readonly Call[]): string {
  const by = calls[0]?.halt?.by;
  if (by === 'interrupt') return 'the user interrupted the session';
  if (by === 'answered') return 'the call was answered elsewhere';
  return state.stop?.reason ?? 'stopped';
}

/** A stop that answers: what has not started never will (§6). What is held waits for its verdict elsewhere. */
function isGivenUp({ stop }: SessionState, call: Call): boolean {
  const unstarted = call.phase.kind === 'waiting' && call.listed && !isHeld(call) && call.halt === undefined;
  return stop?.answers === true && call.owned === true && unstarted;
}

/** §2.8: what an interrupt stopped or kept from starting is the server's to close, for a while. */
function isPostable(call: Call, overdue: (call: Call) => boolean): boolean {
  if (call.owned !== true) return false;
  if (call.phase.kind === 'waiting') return overdue(call);
  if (call.phase.kind !== 'finished' || call.phase.posting) return false;
  return call.halt?.by !== 'interrupt' || overdue(call);
}

function isStopped(state: SessionState, stop: Stop, calls: readonly Call[], now: number): boolean {
  const unsettled = calls.some(
    call => call.phase.kind === 'running' || call.phase.kind === 'finished' || call.decision !== undefined,
  );
  // Before the history is read it is not known what there is to answer.
  const unread = stop.answers === true && (!state.listed || state.tools === undefined);
  return !(unsettled || unread) || now >= settledBy(stop);
}

/** When a stop has waited long enough. */
function settledBy(stop: Stop): number {
  return stop.at + stop.graceMs + (stop.settleMs ?? STOP_SETTLE_MS);
}

/** §2.7: an id we do not know, or one that we believe settled although this status is younger. */
function recheck(state: SessionState): NextStep | undefined {
  const turn = state.turn;
  if (turn?.stopReason !== 'requires_action' || turn.rechecked || !state.listed) return undefined;
  const unknown: string[] = [];
  const believedPosted: string[] = [];
  for (const id of turn.eventIds) {
    const call = callOf(state, id);
    if (call === undefined) {
      if (!state.foreign.includes(id)) unknown.push(id);
    } else if (call.phase.kind === 'settled' && call.phase.how === 'posted') {
      if (isYounger(turn.order, call.phase.at)) believedPosted.push(id);
    }
  }
  return unknown.length + believedPosted.length === 0
    ? undefined
    : { kind: 'recheck', idleId: turn.id, unknown, believedPosted };
}

function isYounger(status: Order, postedAt: string | null): boolean {
  const stamp = stampOf(postedAt);
  return stamp !== undefined && isBefore({ stamp, seq: Number.MAX_SAFE_INTEGER }, status);
}

function deadline(
  state: SessionState,
  calls: readonly Call[],
  now: number,
  limits: Limits,
): { until?: number } {
  const times = calls.flatMap(call =>
    call.halt?.by === 'interrupt' && call.owned === true && call.phase.kind !== 'running'
      ? [call.halt.at + limits.interruptGraceMs]
      : [],
  );
  if (state.stop !== undefined) {
    times.push(state.stop.at + state.stop.graceMs, settledBy(state.stop));
  }
  const ahead = times.filter(time => time > now);
  return ahead.length > 0 ? { until: Math.min(...ahead) } : {};
}
