/** Given these events and facts, then that step, that call, that idle window: the core's tests in one line each. */
import { expect } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { evolve } from '../../src/session/evolve.ts';
import type { Fact } from '../../src/session/facts.ts';
import { idleWindow } from '../../src/session/idle.ts';
import { type Limits, type NextStep, nextStep } from '../../src/session/next-step.ts';
import { callState, whyOf } from '../../src/session/records.ts';
import { type Call, callOf, initialState, type SessionState } from '../../src/session/state.ts';
import { AUTO, stamp } from './wire.ts';

export const NOW = 1_000_000;
export const LIMITS: Limits = { maxParallel: 8, interruptGraceMs: 10_000, workspaceOpen: true };

export interface Given {
  readonly state: SessionState;
  /** Goes on from another state. */
  continue(state: SessionState): Given;
  /** Folds more, this many milliseconds later. */
  after(ms: number, ...items: readonly (SessionEvent | Fact)[]): Given;
  thenStep(expected: NextStep, limits?: Partial<Limits>): Given;
  /** Fields of the call, beside its state of §2 and why it is in it. */
  thenCall(id: string, expected: Partial<Call> & { state?: string; why?: string }): Given;
  /** The id of the idle event whose window runs; undefined: none runs. */
  thenIdle(id: string | undefined): Given;
  call(id: string): Call;
}

/** Folds what is given one by one; events built with `AUTO` are stamped one second apart, in their order. */
export function given(...items: readonly (SessionEvent | Fact)[]): Given {
  return continued(initialState('sesn_1'), NOW, items, 0);
}

function continued(
  from: SessionState,
  now: number,
  items: readonly (SessionEvent | Fact)[],
  at: number,
): Given {
  const stamped = items.map((item, index) =>
    'processed_at' in item && item.processed_at === AUTO
      ? { ...item, processed_at: stamp(at + index) }
      : item,
  );
  const state = stamped.reduce((folded, item) => evolve(folded, item, now), from);
  const call = (id: string) => {
    const found = callOf(state, id);
    if (found === undefined) throw new Error(`the state has no call ${id}`);
    return found;
  };
  const self: Given = {
    state,
    call,
    continue: other => continued(other, now, [], at + items.length),
    after: (ms, ...more) => continued(state, now + ms, more, at + items.length),
    thenStep(expected, limits) {
      expect(nextStep(state, now, { ...LIMITS, ...limits })).toEqual(expected);
      return self;
    },
    thenCall(id, { state: shown, why, ...fields }) {
      if (shown !== undefined) expect(callState(call(id))).toBe(shown);
      if (why !== undefined) expect(whyOf(call(id))).toBe(why);
      expect(call(id)).toMatchObject(fields);
      return self;
    },
    thenIdle(id) {
      expect(idleWindow(state)?.idleId).toBe(id);
      return self;
    },
  };
  return self;
}
