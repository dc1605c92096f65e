/**
 * What was held last in sessions that cannot be asked just now: a worker that is slow or is being replaced must not take
 * from under somebody's hands what they are about to answer.
 */
import type { HeldCalls } from '../client/held-calls.ts';
import type { HeldCall } from '../workflows/messages.ts';

/** @returns what adds to an answer the calls that the sessions which did not answer held before. */
export function heldMemory(): (now: HeldCalls) => HeldCalls {
  let known = new Map<string, HeldCall[]>();
  return ({ calls, unanswered }) => {
    const before = known;
    known = Map.groupBy(calls, ({ session }) => session);
    for (const { session } of unanswered) {
      const remembered = before.get(session);
      if (remembered !== undefined) known.set(session, remembered);
    }
    return { calls: [...known.values()].flat(), unanswered };
  };
}
