/** What is counted of calls. Those that were over before anybody here listened are history, and are not. */
import { type Call, isHeld, type SessionState, type Settlement } from './state.ts';

export type Tally = { readonly kind: 'held' } | { readonly kind: 'settled'; readonly how: Settlement };

export function tallyOf(before: Call | undefined, after: Call): Tally | undefined {
  if (after.owned === false && after.phase.kind === 'settled') return undefined;
  if (isOpenlyHeld(after) && !isOpenlyHeld(before)) return { kind: 'held' };
  if (after.phase.kind !== 'settled' || before === undefined || before.phase.kind === 'settled')
    return undefined;
  return before.listed || before.starts > 0 ? { kind: 'settled', how: after.phase.how } : undefined;
}

function isOpenlyHeld(call: Call | undefined): boolean {
  return call?.listed === true && isHeld(call);
}

type Watcher = (before: Call | undefined, after: Call) => void;

const watchers = new WeakMap<SessionState, Watcher>();

/** `watcher` is told of each call that is written into this state (the object, not a copy of it). */
export function watchCalls(state: SessionState, watcher: Watcher): void {
  watchers.set(state, watcher);
}

/** To be told of each call that is written into a state. */
export function noteChange(state: SessionState, before: Call | undefined, after: Call): void {
  watchers.get(state)?.(before, after);
}
