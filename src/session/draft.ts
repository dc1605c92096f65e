/** A state being folded: copied once for a batch, its calls copied when they change. */
import { noteActive } from './active-calls.ts';
import { isBefore } from './order.ts';
import {
  type Call,
  callOf,
  type Early,
  type Interrupt,
  isOver,
  type SessionState,
  type Settlement,
} from './state.ts';
import { noteChange } from './tally.ts';

export type Draft = { -readonly [K in keyof SessionState]: SessionState[K] } & {
  calls: Record<string, Call>;
  pending: string[];
  early: Record<string, Early>;
  recent: string[];
};

export function draftOf(state: SessionState): Draft {
  return {
    ...state,
    calls: { ...state.calls },
    pending: [...state.pending],
    early: { ...state.early },
    recent: [...state.recent],
  };
}

/** Writes an own property even for an id like `__proto__`. */
export function put<T>(record: Record<string, T>, id: string, value: T): void {
  if (Object.hasOwn(record, id) || !(id in record)) record[id] = value;
  else Object.defineProperty(record, id, { value, enumerable: true, writable: true, configurable: true });
}

export function update(draft: Draft, call: Call, change: Partial<Call>): Call {
  return write(draft, { ...call, ...change });
}

/** Puts a call, or its new form, into the state. */
export function write(draft: Draft, next: Call): Call {
  const call = placed(draft, next);
  const before = callOf(draft, call.id);
  put(draft.calls, call.id, call);
  noteActive(draft, call);
  noteChange(draft, before, call);
  return call;
}

/** Whoever follows a session asks for the calls behind a place, so a call that is over gets one, and keeps it. */
export function placed(state: { places?: number }, call: Call): Call {
  if (call.place !== undefined || !isOver(call)) return call;
  state.places = (state.places ?? 0) + 1;
  return { ...call, place: state.places };
}

/** Of a call that never ran, the strongest ending counts, whatever came first (I1). */
const RANK = { void: 0, 'answered-elsewhere': 1, denied: 2 } as const;

/**
 * Ends a call for good (I8); what only a running call needs is let go of (I11).
 *
 * @param now Unix ms.
 * @param at `processed_at` of our own result, where it was posted.
 */
export function settle(
  draft: Draft,
  call: Call,
  how: Settlement,
  reason: string,
  now: number,
  at: string | null = null,
): void {
  if (call.phase.kind === 'settled' && !outranks(call, call.phase.how, how)) return;
  const { input, inputRef, halt, stopSent, alone, answered, notice, ...rest } = call;
  const { decision, confirming, refusal, ...kept } = rest;
  write(draft, {
    ...kept,
    ...endOf(call),
    locks: [],
    settledAt: call.settledAt ?? now,
    phase: { kind: 'settled', how, reason, at },
  });
  const index = draft.pending.indexOf(call.id);
  if (index >= 0) draft.pending.splice(index, 1);
  if (call.phase.kind !== 'settled') draft.windows++;
}

/** What its outcome and its halt tell of a call's end, in the few words that are kept of it. */
export function endOf({ phase, halt }: Call): Pick<Call, 'interruptedAt' | 'unfinished'> {
  const outcome = phase.kind === 'finished' ? phase.outcome.kind : undefined;
  return {
    ...(halt?.by === 'interrupt' ? { interruptedAt: halt.at } : {}),
    ...(outcome === 'stopped' || outcome === 'unknown' ? { unfinished: outcome } : {}),
  };
}

/** Why a call that has not started never will: nothing accepts its answer any more (W-7, behaviours.md 154). */
export function overBecause(draft: Draft, call: Call): string | undefined {
  if (draft.ended !== undefined) return 'the session ended';
  return call.thread !== null && draft.endedThreads.includes(call.thread) ? 'its thread ended' : undefined;
}

/** Puts a call among those that are not settled, at its place in their order. */
export function insert(draft: Draft, call: Call): void {
  let from = 0;
  let to = draft.pending.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = callOf(draft, draft.pending[middle] ?? '');
    if (other !== undefined && isBefore(call.order, other.order)) to = middle;
    else from = middle + 1;
  }
  draft.pending.splice(from, 0, call.id);
}

function outranks(call: Call, old: Settlement, next: Settlement): boolean {
  if (call.starts > 0 || !(old in RANK) || !(next in RANK)) return false;
  return RANK[next as keyof typeof RANK] > RANK[old as keyof typeof RANK];
}

function threadOf(draft: Draft, call: Call): string | undefined {
  return call.thread ?? draft.primary?.thread;
}

/** §2.8: an interrupt marks the unfinished calls that stand before it, and no others. */
export function haltForInterrupts(draft: Draft, call: Call, now: number): Call {
  if (call.halt !== undefined || call.phase.kind === 'finished' || call.phase.kind === 'settled') return call;
  const applies = (interrupt: Interrupt) =>
    (interrupt.thread === null || interrupt.thread === threadOf(draft, call)) &&
    isBefore(call.order, interrupt.order);
  return draft.interrupts.some(applies) ? update(draft, call, { halt: { by: 'interrupt', at: now } }) : call;
}
