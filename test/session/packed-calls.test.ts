import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../src/session/evolve.ts';
import { packed, unpacked } from '../../src/session/packed-calls.ts';
import { voidRest } from '../../src/session/records.ts';
import { initialState, type SessionState } from '../../src/session/state.ts';
import { deliveries, log } from './arbitrary-log.ts';
import { at, call, delivered, finished, LISTED, posting, READY, stamp, started, TOOLS } from './wire.ts';

test('the next run has every call of the last one, field by field, whatever became of it', () => {
  fc.assert(
    fc.property(log.chain(deliveries), arrived => {
      const open = fold(initialState('s'), [TOOLS, ...arrived, LISTED], 1_700_000_000_001);
      for (const state of [open, voidRest(open, 'the session ended', 1_700_000_000_002)])
        expect(isDeepStrictEqual(handedOn(state), state)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each([
  '2026-11-22T07:06:35.810Z',
  '2026-11-22T07:06:35Z',
  '2026-11-22T08:06:35.810123+01:00',
  'soon',
  null,
])('the stamp %s of a call and of its result comes back letter by letter', processedAt => {
  const before = settledCalls(['c1', 'c2']);
  const [c1, c2] = ['c1', 'c2'].map(id => before.calls[id] as never as Record<string, object>);
  const phase = { ...c1?.phase, at: processedAt };
  const state = { ...before, calls: { c1: { ...c1, processedAt, phase }, c2 } } as never as SessionState;
  expect(handedOn(state)).toStrictEqual(state);
});

test('a call whose id is a word of the language is handed on like any other', () => {
  const state = settledCalls(['__proto__', 'constructor']);
  expect(Object.keys(handedOn(state).calls).toSorted()).toEqual(['__proto__', 'constructor']);
});

test('a settled call takes a fifth of its size, so that a run can hand on all of a long session (I11)', () => {
  const state = settledCalls(
    Array.from({ length: 2_000 }, (_, index) => `sevt_${String(index).padStart(24, '0')}`),
  );
  const size = JSON.stringify(packed(state)).length;
  expect(size).toBeLessThan(2_000 * 130);
  expect(size).toBeLessThan(JSON.stringify(state).length / 4);
});

test('what older code has handed on has its calls in the state', () => {
  const state = settledCalls(['c1']);
  expect(unpacked(state)).toStrictEqual(state);
});

function handedOn(before: SessionState): SessionState {
  const { state, settled } = JSON.parse(JSON.stringify(packed(before)));
  expect(
    Object.values(state.calls).filter(one => (one as { phase: { kind: string } }).phase.kind === 'settled'),
  ).toEqual([]);
  return unpacked(state, settled);
}

function settledCalls(ids: readonly string[]): SessionState {
  const items = ids.flatMap((id, index) => [
    at(index, call(id, 'no_op', { input: {} })),
    ...started(id),
    finished(id),
    posting(id),
    delivered(id, 'posted', { at: stamp(index) }),
  ]);
  return fold(initialState('s'), [...READY, ...items], 1_795_331_196_343);
}
