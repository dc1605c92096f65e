/** A session's calls as people and programs see them (design §9), and the state made small for the next run. */
import { decisionWords } from './decision.ts';
import { endOf, placed, put } from './draft.ts';
import { hintOf } from './events.ts';
import { compareOrders, stampOf } from './order.ts';
import { type Call, isHeld, pendingCalls, type SessionState } from './state.ts';

export type CallState = 'held' | 'open' | 'running' | 'finished' | 'settled' | 'void' | 'unowned';

/** One of the states of §2. A call of another client stays `unowned`, also when its owner answered it. */
export function callState(call: Call): CallState {
  switch (call.phase.kind) {
    case 'waiting':
      if (call.owned === false) return 'unowned';
      return isHeld(call) ? 'held' : 'open';
    case 'running':
      return 'running';
    case 'finished':
      return 'finished';
    case 'settled':
      if (call.phase.how === 'void') return 'void';
      return call.owned === false && call.phase.how === 'answered-elsewhere' ? 'unowned' : 'settled';
    default:
      return call.phase satisfies never;
  }
}

/** Why a call is in its state, in plain words (I8). */
export function whyOf(call: Call): string {
  switch (call.phase.kind) {
    case 'settled':
      return call.phase.reason === '' ? call.phase.how : `${call.phase.how}: ${call.phase.reason}`;
    case 'finished':
      return call.phase.posting ? 'its result is being posted' : 'its result waits to be posted';
    case 'running':
      return call.stopSent ? 'it is being stopped' : 'its tool runs';
    case 'waiting':
      if (call.owned === false) return 'left to the client that owns this tool';
      if (isHeld(call)) return whyHeld(call);
      if (call.halt !== undefined) return 'interrupted before it started';
      return call.listed ? 'waits for its turn' : 'waits until the history is read';
    default:
      return call.phase satisfies never;
  }
}

function whyHeld({ decision, refusal }: Call): string {
  if (decision !== undefined) return `${decisionWords(decision)}; the API is being told`;
  if (refusal === undefined) return 'waits for an approval';
  return `waits for an approval: the last one was not taken (${refusal})`;
}

/** All calls in order of their appearance. */
export function allCalls(state: SessionState): Call[] {
  return Object.values(state.calls).sort((a, b) => compareOrders(a.order, b.order));
}

/** Ends what the session's end leaves open, so that every call has its one state (I8). */
export function voidRest(state: SessionState, reason: string, now: number): SessionState {
  return settleRest(state, () => true, { kind: 'settled', how: 'void', reason, at: null }, now);
}

/** Ends what somebody answered while our tool ran for it, where the run ends before the tool's end is known. */
export function settleAnswered(state: SessionState, now: number): SessionState {
  const reason = 'it was answered while its tool ran';
  const phase = { kind: 'settled', how: 'answered-elsewhere', reason, at: null } as const;
  return settleRest(state, call => call.answered === true, phase, now);
}

function settleRest(
  state: SessionState,
  which: (call: Call) => boolean,
  phase: Call['phase'],
  now: number,
): SessionState {
  const rest = pendingCalls(state).filter(which);
  const ended = new Set(rest.map(call => call.id));
  const next = { ...state, calls: { ...state.calls }, pending: state.pending.filter(id => !ended.has(id)) };
  for (const call of rest)
    put(next.calls, call.id, placed(next, { ...call, ...endOf(call), settledAt: now, phase }));
  return next;
}

/** Characters of calls that are kept, counted before they are packed: some 2,000 calls (I11). */
const CALLS_CHARS = 1_250_000;
/** Characters of calls that are not settled, without what travels as a reference. */
const PENDING_CHARS = 800_000;
/** Characters of unposted results and unstarted inputs that may travel to the next run (§6). */
const OPEN_CHARS = 256 * 1024;

/**
 * The state as it is carried through continue-as-new. Results and inputs beyond 256 kB travel as references to
 * the journal and to the event, the oldest settled calls are forgotten, and where thousands of calls wait, the
 * last of them are left out: nothing counts as listed then, and the next run reads the history again (`leftFrom`).
 */
export function carried(state: SessionState): SessionState {
  const all = allCalls(state);
  const open = all.filter(call => call.phase.kind !== 'settled');
  const whole = within(open, OPEN_CHARS);
  const small = open.map(call => unsent(whole.has(call.id) ? call : referenced(call)));
  const first = within(small, PENDING_CHARS);
  const taken = small.filter(call => first.has(call.id) || !isAsListed(call));
  const settled = all.filter(call => call.phase.kind === 'settled').reverse();
  const kept = within(settled, CALLS_CHARS - charsOf(taken));
  const calls: Record<string, Call> = {};
  for (const call of settled.toReversed()) if (kept.has(call.id)) put(calls, call.id, call);
  for (const call of taken) put(calls, call.id, call);
  // A recheck under way ends with its run: the next one asks again.
  const turn = state.turn === undefined ? {} : { turn: { ...state.turn, rechecked: false } };
  const next = { ...state, ...turn, calls, forgotten: state.forgotten + settled.length - kept.size };
  return taken.length === small.length ? next : leftToList(next);
}

/** All there is to know of it stands in the history, at a place that can be named. */
function isAsListed(call: Call): boolean {
  const { phase, starts, decision, refusal, processedAt } = call;
  return (
    phase.kind === 'waiting' && starts === 0 && !decision && !refusal && stampOf(processedAt) !== undefined
  );
}

/**
 * From which stamp the history is to be read again for what `next` left out of `state`; undefined: nothing was.
 * (Not from the start: a list of the whole history tells nothing of calls that were answered meanwhile, and some
 * of those `next` still has.)
 */
export function leftFrom(state: SessionState, next: SessionState): string | undefined {
  const kept = new Set(next.pending);
  const left = pendingCalls(state).flatMap(({ id, processedAt }) =>
    kept.has(id) || processedAt === null ? [] : [processedAt],
  );
  return left.reduce<string | undefined>(
    (first, at) => (first === undefined || at < first ? at : first),
    undefined,
  );
}

/** Without what was left out, so that it is news when it is listed again; the status, too, which may name it. */
function leftToList(state: SessionState): SessionState {
  const { turn, ...rest } = state;
  const known = (id: string) => Object.hasOwn(state.calls, id);
  const pending = state.pending.filter(known);
  const left = new Set([...state.pending.filter(id => !known(id)), turn?.id]);
  return { ...rest, listed: false, pending, recent: state.recent.filter(id => !left.has(id)) };
}

function charsOf(calls: readonly Call[]): number {
  return calls.reduce((sum, call) => sum + JSON.stringify(call).length, 0);
}

/** The ids of the first calls whose JSON fits into so many characters. */
function within(calls: readonly Call[], chars: number): Set<string> {
  let used = 0;
  const ids = calls.flatMap(call => {
    used += JSON.stringify(call).length;
    return used <= chars ? [call.id] : [];
  });
  return new Set(ids);
}

/** What the last run had under way is asked for again: a stop and a post are safe to repeat (§2.6). */
function unsent(call: Call): Call {
  const { stopSent, confirming, ...kept } = call;
  return kept.phase.kind === 'finished' ? { ...kept, phase: { ...kept.phase, posting: false } } : kept;
}

/** The hint stays: a call that has not started is judged by it again (locks, timeouts). */
function referenced(call: Call): Call {
  const { input, ...rest } = call;
  if (call.phase.kind !== 'finished') {
    if (input === undefined) return call;
    return { ...rest, inputRef: { bytes: JSON.stringify(input).length, hint: hintOf(input) } };
  }
  if (call.phase.outcome.kind !== 'answered') return rest;
  const { content, kind, ...ended } = call.phase.outcome;
  const outcome = { ...ended, kind: 'stored' as const, bytes: JSON.stringify(content).length, sha256: '' };
  return { ...rest, phase: { kind: 'finished', posting: false, outcome } };
}
