import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Fact } from '../../src/session/facts.ts';
import { callState, voidRest } from '../../src/session/records.ts';
import { callOf, isHeld } from '../../src/session/state.ts';
import { busyLog, deliveries } from './arbitrary-log.ts';
import { Walk } from './walk.ts';
import { LISTED, LISTING, TOOLS } from './wire.ts';

type Action = { readonly kind: 'event' | 'work' | 'time' | 'listing' | 'listed' | 'rotate' | 'decide' } & {
  readonly pick: number;
};

const actions = fc.array(
  fc.record({
    kind: fc.constantFrom<Action['kind'][]>(
      ...(['event', 'event', 'event', 'event', 'work', 'work', 'work', 'time'] as const),
      ...(['listing', 'listed', 'rotate', 'decide', 'decide'] as const),
    ),
    pick: fc.nat(1_000),
  }),
  { minLength: 20, maxLength: 80, size: 'max' },
);

/** Actions after which no session of these tests is still played. */
const NEVER = 400;

const session = fc.record({
  arrived: busyLog.chain(deliveries),
  actions,
  maxParallel: fc.constantFrom(1, 2, 8),
  approvalDeadlineMs: fc.constantFrom(0, 0, 5_000),
  toolsAt: fc.nat(10),
  stopAt: fc.nat(NEVER),
});

function act(walk: Walk, { kind, pick }: Action, arrived: (SessionEvent | Fact)[]): void {
  switch (kind) {
    case 'event':
      walk.fold(...arrived.splice(0, 1 + (pick % 3)));
      return;
    case 'work':
      walk.work(pick);
      return;
    case 'time':
      walk.now += pick * 20;
      walk.settle();
      return;
    case 'listing':
      walk.fold(LISTING);
      return;
    case 'listed':
      walk.fold(LISTED);
      return;
    case 'decide':
      walk.decide(pick);
      return;
    case 'rotate':
      walk.rotate();
      return;
    default:
      kind satisfies never;
  }
}

function play({
  arrived,
  actions,
  maxParallel,
  approvalDeadlineMs,
  toolsAt,
  stopAt,
}: typeof session extends fc.Arbitrary<infer T> ? T : never): Walk {
  const walk = new Walk(maxParallel, approvalDeadlineMs);
  const left: (SessionEvent | Fact)[] = [...arrived];
  for (const [index, action] of actions.entries()) {
    if (walk.ended !== undefined) return walk;
    if (index === toolsAt) walk.fold(TOOLS, LISTED);
    if (index === stopAt) walk.fold({ type: 'stop-requested', graceMs: action.pick * 10, reason: 'deploy' });
    act(walk, action, left);
  }
  if (walk.ended === undefined) walk.fold(...left, TOOLS, LISTED);
  return walk;
}

test('the steps are allowed, once each, and always lead to a wait or the end with nothing owned left undone', () => {
  let settled = 0;
  let decided = 0;
  fc.assert(
    fc.property(session, given => {
      const walk = play(given);
      walk.drain();
      decided += walk.decided;
      if (walk.ended === undefined) {
        // What is left waits for somebody else: its owner, a person who approves, or nobody at all after a stop.
        for (const call of walk.pending) expect(call.owned === false || isHeld(call)).toBe(true);
      }
      for (const id of walk.launched) {
        const call = callOf(walk.state, id);
        expect(call?.starts).toBe(1);
        if (walk.ended === undefined) expect(call?.phase.kind).toBe('settled');
        settled++;
      }
    }),
    { numRuns: 1_000 },
  );
  expect(settled, 'calls that ran in all sessions').toBeGreaterThan(500);
  expect(decided, 'decisions in all sessions').toBeGreaterThan(200);
});

test('I8: whenever the session ends, every call ends in one state, and what was under way changes none', () => {
  fc.assert(
    fc.property(session, fc.nat(80), (given, cut) => {
      const walk = play({ ...given, actions: given.actions.slice(0, cut), stopAt: NEVER });
      if (walk.ended === undefined)
        walk.fold({ type: 'session.status_terminated', id: 'the-end', processed_at: null });
      expect(walk.ended).toMatchObject({ kind: 'end', state: 'done' });
      walk.state = voidRest(walk.state, 'the session ended', 2);
      expect(walk.state.pending).toEqual([]);
      const { calls } = walk.state;
      for (const call of Object.values(calls))
        expect(['settled', 'void', 'unowned']).toContain(callState(call));
      while (walk.work(13));
      expect(isDeepStrictEqual(walk.state.calls, calls)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
