import { describe, expect, test } from 'vitest';
import { fold } from '../../src/session/evolve.ts';
import { compactHistory } from '../../src/session/history.ts';
import { nextStep } from '../../src/session/next-step.ts';
import { allCalls, callState, carried, leftFrom, voidRest } from '../../src/session/records.ts';
import { initialState, type SessionState } from '../../src/session/state.ts';
import { given, LIMITS } from './given.ts';
import {
  answer,
  ask,
  at,
  call,
  custom,
  delivered,
  finished,
  interrupt,
  OUTCOMES,
  posting,
  READY,
  stamp,
  started,
  terminated,
  waitsFor,
} from './wire.ts';

/** What one payload of Temporal may hold, with room for the rest of the run's input. */
const PAYLOAD_BYTES = 2_000_000 - 100_000;

describe('I8: the end of a session leaves every call in one state', () => {
  const everything = given(
    ...READY,
    ...[call('run'), call('fin', 'read'), ask('held'), custom('lookup', 'lookup'), custom('done')],
    ...started('run', 'fin'),
    finished('fin'),
    answer('done'),
    terminated(),
  );

  test('what had not ended is void, with its reason; what had keeps its end', () => {
    const { calls, pending } = voidRest(everything.state, 'the session ended', 2);
    const states = Object.values(calls).map(ended => [ended.id, callState(ended)]);
    expect(Object.fromEntries(states)).toEqual({
      run: 'void',
      fin: 'void',
      held: 'void',
      lookup: 'void',
      done: 'settled',
    });
    expect(pending).toEqual([]);
  });

  test('a tool that ends after its session does not bring its call back', () => {
    everything.after(0, finished('run')).thenCall('run', { state: 'void', why: 'void: the session ended' });
  });
});

test('calls are listed in the order of the log', () => {
  const { state } = given(...READY, at(5, call('c2')), at(3, call('c1')), at(5, call('c3')));
  expect(allCalls(state).map(({ id }) => id)).toEqual(['c1', 'c2', 'c3']);
});

describe('the state that the next run is given', () => {
  test('I2: is plain JSON', () => {
    const { state } = given(...READY, ask('c1'), call('c2'), ...started('c2'), interrupt());
    const next = carried(state);
    expect(JSON.parse(JSON.stringify(next))).toStrictEqual(next);
  });

  test('asks for stops and posts again that the last run had under way', () => {
    const { state } = given(
      ...READY,
      call('c1'),
      custom('c2'),
      ...started('c1', 'c2'),
      finished('c2'),
      interrupt(),
    )
      .after(0, { type: 'stopping', ids: ['c1'] }, posting('c2'))
      .thenStep({ kind: 'wait' });
    resumed(state).thenStep({ kind: 'stop', ids: ['c1'], reason: 'the user interrupted the session' });
    resumed(state)
      .after(0, { type: 'stopping', ids: ['c1'] })
      .thenStep({ kind: 'post', ids: ['c2'] });
  });

  test('fits a payload with 6,000 settled calls: the oldest are forgotten, and counted', () => {
    const ids = Array.from({ length: 6_000 }, (_, index) => `sevt_${String(index).padStart(24, '0')}`);
    const state = settledCalls(ids);
    const next = carried(state);
    expect(JSON.stringify(next).length).toBeLessThan(PAYLOAD_BYTES);
    const kept = allCalls(next).map(({ id }) => id);
    expect(kept).toEqual(ids.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(1_500);
    expect(next.forgotten).toBe(6_000 - kept.length);
    expect(carried(next)).toStrictEqual(next);
  });

  test('fits a payload with large inputs and results, which travel as references', () => {
    const ids = Array.from({ length: 150 }, (_, index) => `c${index}`);
    const big = 'x'.repeat(60_000);
    const content = [{ type: 'text' as const, text: 'y'.repeat(200_000) }];
    const items = ids.flatMap((id, index) => [
      at(index, call(id, 'write', { input: { file_path: `f${index}`, content: big } })),
      ...(index % 3 === 0 ? [] : started(id)),
      ...(index % 3 === 2
        ? [{ type: 'finished' as const, id, outcome: { ...OUTCOMES.answered, content } }, posting(id)]
        : []),
    ]);
    const next = carried(fold(initialState('s'), [...READY, ...items], 1));
    expect(JSON.stringify(next).length).toBeLessThan(PAYLOAD_BYTES);
    expect(next.pending).toEqual(ids);
  });

  test('a referenced input still locks its path and keeps its timeout when the tools are told again', () => {
    const filler = Array.from({ length: 10 }, (_, index) =>
      custom(`f${index}`, 'get_weather', { input: { text: 'x'.repeat(60_000) } }),
    );
    const { state } = given(
      ...READY,
      ...filler,
      call('w1', 'write', { input: { file_path: 'a', content: 'x'.repeat(60_000) } }),
      call('w2', 'edit', { input: { file_path: './a' } }),
      call('w3', 'write', { input: { file_path: 'b', content: 'x'.repeat(60_000) } }),
    );
    const ids = filler.map(({ id }) => id);
    resumed(state)
      .after(0, ...READY)
      .thenStep({ kind: 'run', ids: [...ids, 'w1', 'w3'] }, { maxParallel: 99 })
      .thenCall('w1', { inputRef: { hint: { file_path: 'a', content: 'x'.repeat(200) } } as never });
  });

  test('fits a payload with 10,000 calls that wait, and the next run lists what was left out', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `sevt_${String(index).padStart(24, '0')}`);
    const events = ids.map((id, index) => at(index, call(id, 'bash', { input: { command: `echo ${id}` } })));
    const blocked = at(ids.length, waitsFor(ids));
    const log = [...READY, ...events, blocked];
    const state = fold(fold(initialState('s'), log, 1), [...started('sevt_000000000000000000000000')], 1);
    const next = carried(state);
    expect(JSON.stringify(next).length).toBeLessThan(PAYLOAD_BYTES);
    expect(next.pending.length).toBeGreaterThan(1_000);
    expect(next.pending).toEqual(ids.slice(0, next.pending.length));
    // Nothing is asked of the server, and nothing counts as idle, before that list was read.
    resumed(state).thenIdle(undefined).thenStep({ kind: 'wait' }, { maxParallel: 1 });

    expect(leftFrom(state, next)).toBe(stamp(next.pending.length));
    const listed = fold(next, [...events, blocked, { type: 'listed' }], 2);
    expect(listed.pending).toEqual(ids);
    expect(listed.turn?.eventIds).toEqual(ids);
    expect(allCalls(listed).map(({ id }) => id)).toEqual(ids);
    expect(listed.calls[ids[0] ?? '']?.phase.kind).toBe('running');
    expect(nextStep(listed, 2, LIMITS)).toEqual({ kind: 'wait' });

    // What was answered meanwhile settles what the state has, and brings nothing of the rest back.
    const answers = [...ids.slice(1, 100), ...ids.slice(-100)].map((id, index) =>
      at(20_000 + index, answer(id)),
    );
    const reread = compactHistory([...events, blocked, ...answers], { keepAnswers: true });
    expect(reread.length).toBeLessThan(ids.length + 10);
    const { pending } = fold(next, [...reread, { type: 'listed' }], 2);
    expect(pending).toEqual([ids[0], ...ids.slice(100, -100)]);
  });

  test('a stored result whose post was under way is posted again, however full the state is', () => {
    const content = [{ type: 'text' as const, text: 'y'.repeat(250_000) }];
    const full = { type: 'finished' as const, id: 'c1', outcome: { ...OUTCOMES.answered, content } };
    const { state } = given(...READY, custom('c1'), custom('c2'), custom('c3'), ...started('c1', 'c2', 'c3'))
      .after(0, full, { ...full, id: 'c2' }, finished('c3', 'stored'), posting('c1', 'c2', 'c3'))
      .thenStep({ kind: 'wait' });
    resumed(state)
      .thenStep({ kind: 'post-stored', id: 'c2' })
      .after(0, posting('c2'))
      .thenStep({ kind: 'post-stored', id: 'c3' })
      .after(0, posting('c3'))
      .thenStep({ kind: 'post', ids: ['c1'] });
  });
});

/** The next run: the carried state, as JSON brings it back. */
function resumed(state: SessionState) {
  return given().continue(JSON.parse(JSON.stringify(carried(state))));
}

function settledCalls(ids: readonly string[]): SessionState {
  const items = ids.flatMap((id, index) => [
    at(index, call(id, 'read', { input: { file_path: `src/some/folder/file-${index}.ts` } })),
    ...started(id),
    finished(id),
    posting(id),
    delivered(id, 'posted', { at: stamp(index) }),
  ]);
  return fold(initialState('s'), [...READY, ...items], 1);
}
