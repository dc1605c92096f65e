import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { evolve, fold } from '../../src/session/evolve.ts';
import type { Fact } from '../../src/session/facts.ts';
import { compactHistory } from '../../src/session/history.ts';
import { idleWindow } from '../../src/session/idle.ts';
import { allCalls, callState, carried, voidRest } from '../../src/session/records.ts';
import { type Call, initialState, type SessionState } from '../../src/session/state.ts';
import { deliveries, log } from './arbitrary-log.ts';
import { LISTED, LISTING, READY, TOOLS } from './wire.ts';

const START = initialState('sesn_1');
const RUNS = { numRuns: 1_200 };

/** What decides anything, per call; arrival order and counters are left out. */
function callView(call: Call) {
  return {
    id: call.id,
    state: callState(call),
    how: call.phase.kind === 'settled' ? call.phase.how : null,
    halted: call.halt !== undefined,
    verdict: call.verdict ?? null,
    locks: call.locks,
  };
}

function view(state: SessionState) {
  return {
    calls: allCalls(state).map(callView),
    pending: state.pending,
    turn: state.turn?.id,
    idle: idleWindow(state)?.idleId,
    ended: state.ended,
  };
}

function withFacts(events: readonly SessionEvent[], facts: readonly (readonly [number, Fact])[]) {
  const items: (SessionEvent | Fact)[] = [...events];
  for (const [at, fact] of facts) items.splice(at % (items.length + 1), 0, fact);
  return items;
}

const someFacts = fc.tuple(
  fc.array(fc.tuple(fc.nat(), fc.constantFrom(TOOLS, LISTED, LISTING)), { maxLength: 3 }),
  fc.tuple(fc.nat(), fc.constant(TOOLS)),
);

test('I1: any slices of a log, duplicated and interleaved, with facts at any point, end in the same state', () => {
  const logAndDelivery = log.chain(commits => fc.tuple(fc.constant(commits), deliveries(commits), someFacts));
  fc.assert(
    fc.property(logAndDelivery, ([commits, arrived, [facts, tools]]) => {
      const once = fold(START, [...commits.flat(), ...READY], 1);
      const items = [...withFacts(arrived, [...facts, tools]), LISTED];
      expect(view(fold(START, items, 1))).toEqual(view(once));
    }),
    RUNS,
  );
});

test('I1: an interrupt that is seen queued before it is processed ends in the same state', () => {
  const queuedAt = log.chain(commits => fc.tuple(fc.constant(commits.flat()), fc.nat(), fc.nat()));
  fc.assert(
    fc.property(queuedAt, ([events, which, where]) => {
      const interrupts = events.filter(event => event.type === 'user.interrupt');
      const chosen = interrupts[which % Math.max(1, interrupts.length)];
      fc.pre(chosen !== undefined);
      const at = where % (events.indexOf(chosen) + 1);
      const arrived = events.toSpliced(at, 0, { ...chosen, processed_at: null });
      expect(view(fold(START, [...READY, ...arrived], 1))).toEqual(
        view(fold(START, [...READY, ...events], 1)),
      );
    }),
    { numRuns: 500 },
  );
});

test('I1: folding one by one, in batches or at once is the same', () => {
  fc.assert(
    fc.property(log, fc.nat(), (commits, cut) => {
      const items = [TOOLS, ...commits.flat(), LISTED];
      const at = cut % items.length;
      const single = items.reduce((state, item) => evolve(state, item, 1), START);
      const halves = fold(fold(START, items.slice(0, at), 1), items.slice(at), 1);
      expect(isDeepStrictEqual(fold(START, items, 1), single)).toBe(true);
      expect(isDeepStrictEqual(halves, single)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('I2: the state is plain JSON after every step, also as it is carried, and folding mutates nothing', () => {
  fc.assert(
    fc.property(log.chain(deliveries), arrived => {
      let state = START;
      for (const item of [TOOLS, ...arrived, LISTED]) {
        const before = JSON.stringify(state);
        const next = evolve(state, item, 1);
        expect(JSON.stringify(state)).toBe(before);
        expect(isDeepStrictEqual(JSON.parse(JSON.stringify(next)), next)).toBe(true);
        state = next;
      }
      const next = carried(state);
      expect(isDeepStrictEqual(JSON.parse(JSON.stringify(next)), next)).toBe(true);
      expect(view(next)).toEqual(view(state));
    }),
    { numRuns: 200 },
  );
});

test('I8: when the session ends every call is in one state for good: settled, void or left to its owner', () => {
  fc.assert(
    fc.property(log.chain(deliveries), arrived => {
      const state = fold(START, [...READY, ...arrived], 1);
      const ended = voidRest(state, 'the session ended', 2);
      expect(ended.pending).toEqual([]);
      expect(Object.keys(ended.calls).toSorted()).toEqual(Object.keys(state.calls).toSorted());
      for (const call of Object.values(ended.calls)) {
        expect(call.phase.kind).toBe('settled');
        expect(['settled', 'void', 'unowned']).toContain(callState(call));
        if (state.pending.includes(call.id)) expect(callState(call)).toBe('void');
      }
    }),
    { numRuns: 200 },
  );
});

test('I11: the history cut down leads to the same unsettled calls, turn and idle window as the whole of it', () => {
  const openView = (state: SessionState) => {
    const open = allCalls(state).filter(call => call.phase.kind !== 'settled');
    return { ...view(state), calls: open.map(callView) };
  };
  fc.assert(
    fc.property(log, fc.nat(), (commits, cut) => {
      const events = commits.flat();
      const whole = openView(fold(START, [...READY, ...events], 1));
      const folded = (kept: readonly SessionEvent[]) => openView(fold(START, [...READY, ...kept], 1));
      const compact = compactHistory(events);
      expect(folded(compact)).toEqual(whole);
      const at = cut % (events.length + 1);
      const byPages = compactHistory([...compactHistory(events.slice(0, at)), ...events.slice(at)]);
      expect(folded(byPages)).toEqual(whole);
      // What a stream or a later list brings again, 60 s back at most (§6, the cursor), changes nothing either.
      const reach = Date.parse(events.at(-1)?.processed_at ?? '') - 60_000;
      const again = commits
        .slice(cut % (commits.length + 1))
        .filter(([first]) => Date.parse(first?.processed_at ?? '') >= reach)
        .flat();
      expect(folded([...compact, ...again])).toEqual(whole);
    }),
    RUNS,
  );
});
