/**
 * The pending calls that a step must look at: all but those that only wait for their turn. They follow from the
 * state, so they are kept beside it (I2) and brought along as it is folded: a step of a turn of 10,000 calls
 * must not look at each of them.
 */
import { compareOrders } from './order.ts';
import { type Call, callOf, isHeld, pendingCalls, type SessionState } from './state.ts';

const active = new WeakMap<SessionState, Set<string>>();

/** Whether nothing but its turn (locks, slots, the history's end) keeps a call of ours from running. */
export function isQueued(call: Call): boolean {
  return call.phase.kind === 'waiting' && call.owned === true && !isHeld(call) && call.halt === undefined;
}

/** Those that run, are finished, held, halted, or not known to be ours; in order. */
export function activeCalls(state: SessionState): Call[] {
  let ids = active.get(state);
  if (ids === undefined) {
    ids = new Set(pendingCalls(state).flatMap(call => (isQueued(call) ? [] : [call.id])));
    active.set(state, ids);
  }
  const calls: Call[] = [];
  for (const id of ids) {
    const call = callOf(state, id);
    if (call !== undefined) calls.push(call);
  }
  return calls.sort((a, b) => compareOrders(a.order, b.order));
}

/** Calls of ours, or not known to be another's, that are not over and wait for nobody. */
export function countOpen(state: SessionState): number {
  const waiting = activeCalls(state).filter(call => call.owned === false || isHeld(call));
  return state.pending.length - waiting.length;
}

/** To be told of each call that is written into a state which was asked before. */
export function noteActive(state: SessionState, call: Call): void {
  const ids = active.get(state);
  if (call.phase.kind === 'settled' || isQueued(call)) ids?.delete(call.id);
  else ids?.add(call.id);
}
