import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeline } from '../../src/timeline/timeline.ts';
import type { CallDetail } from '../../src/workflows/messages.ts';
import { detail, START, time } from './call.ts';

/** Segments as `kind from-to`, in ms after the start; `…` where they go on. */
function drawn(call: Partial<CallDetail>, now = 100): string[] {
  const [row] = timeline([detail(call)], {}, START + now).rows;
  return (row?.segments ?? []).map(
    ({ kind, from, to, open }) => `${kind} ${from - START}-${to - START}${open ? '…' : ''}`,
  );
}

function marked(call: Partial<CallDetail>): string[] {
  const [row] = timeline([detail(call)], {}, START + 100).rows;
  return (row?.marks ?? []).map(({ kind, at }) => `${kind} ${at - START}`);
}

describe('a call over time', () => {
  it('is held, waits, runs and is posted', () => {
    const call = { seenAt: time(0), heldAt: time(0), decidedAt: time(10), startedAt: time(15) };
    const over = { finishedAt: time(40), settledAt: time(50), state: 'settled' } as const;
    expect(drawn({ ...call, ...over })).toEqual([
      'held 0-10',
      'waiting 10-15',
      'running 15-40',
      'posting 40-50',
    ]);
    expect(drawn({ ...call, state: 'running' })).toEqual(['held 0-10', 'waiting 10-15', 'running 15-100…']);
    expect(drawn({ ...call, finishedAt: time(40), state: 'finished' }).at(-1)).toBe('posting 40-100…');
  });

  it('that nobody has decided about is held until now', () => {
    expect(drawn({ seenAt: time(5), heldAt: time(5), state: 'held' })).toEqual(['held 5-100…']);
  });

  it('that was denied has been held, and nothing else', () => {
    const denied = { seenAt: time(0), heldAt: time(0), decidedAt: time(30), settledAt: time(30) };
    expect(drawn({ ...denied, state: 'settled', confirmation: 'deny' })).toEqual(['held 0-30']);
  });

  it('that never ran has waited until it was over', () => {
    expect(drawn({ seenAt: time(0), settledAt: time(20), state: 'void' })).toEqual(['waiting 0-20']);
  });

  it('of an older run shows what that has kept', () => {
    const old = { startedAt: time(10), finishedAt: time(30), state: 'settled' } as const;
    expect(drawn(old)).toEqual(['running 10-30']);
    expect(drawn({ state: 'settled' })).toEqual([]);
    expect(drawn({ startedAt: time(10), state: 'running' })).toEqual(['running 10-100…']);
  });

  it('keeps the length of its run where its host’s clock is wrong', () => {
    const seen = { seenAt: time(0), settledAt: time(60), state: 'settled' } as const;
    const ahead = { ...seen, startedAt: time(3_010), finishedAt: time(3_040) };
    expect(drawn(ahead)).toEqual(['waiting 0-30', 'running 30-60']);
    const behind = { ...seen, startedAt: time(-3_010), finishedAt: time(-2_980) };
    expect(drawn(behind)).toEqual(['running 0-30', 'posting 30-60']);
  });

  it('is marked with what happened to it', () => {
    const held = { seenAt: time(0), heldAt: time(0), decidedAt: time(10), decidedBy: 'alice' };
    expect(marked({ ...held, confirmation: 'allow' })).toEqual(['allowed 10']);
    const ran = { seenAt: time(0), startedAt: time(1), finishedAt: time(20), settledAt: time(30) };
    expect(marked({ ...ran, reattached: { times: 2, at: time(15) }, unfinished: 'unknown' })).toEqual([
      'reattached 15',
      'unknown 20',
    ]);
    expect(marked({ ...ran, attempts: 2, interruptedAt: time(5), unfinished: 'stopped' })).toEqual([
      'started-again 1',
      'interrupted 5',
      'stopped 20',
    ]);
  });
});

const anyTime = fc.option(fc.integer({ min: -500, max: 500 }).map(time), { nil: undefined });
const state = fc.constantFrom(
  ...(['held', 'open', 'running', 'finished', 'settled', 'void', 'unowned'] as const),
);
const anyCall = fc
  .record(
    {
      seenAt: anyTime,
      heldAt: anyTime,
      decidedAt: anyTime,
      interruptedAt: anyTime,
      settledAt: anyTime,
      startedAt: anyTime,
      finishedAt: anyTime,
      state,
      attempts: fc.nat(3),
      confirmation: fc.constantFrom('allow', 'deny', null),
      unfinished: fc.constantFrom('stopped', 'unknown', undefined),
    },
    { requiredKeys: [] },
  )
  .map(call => {
    const given = Object.entries(call).filter(([, value]) => value !== undefined);
    return detail(Object.fromEntries(given));
  });

it('whatever the times are: segments follow each other without gaps, in the axis, and only the last is open', () => {
  fc.assert(
    fc.property(fc.array(anyCall, { maxLength: 5 }), fc.integer({ min: -200, max: 900 }), (calls, now) => {
      const { rows, from, to } = timeline(calls, {}, START + now);
      expect(rows.map(({ id }) => id)).toEqual(calls.map(({ id }) => id));
      expect(from).toBeLessThanOrEqual(to);
      for (const { segments, marks } of rows) {
        for (const [index, segment] of segments.entries()) {
          const next = segments[index + 1];
          expect(segment.from).toBeLessThanOrEqual(segment.to);
          expect(segment.from).toBeGreaterThanOrEqual(from);
          expect(segment.to).toBeLessThanOrEqual(to);
          if (next !== undefined) expect([segment.to, segment.open]).toEqual([next.from, false]);
        }
        expect(marks.every(({ at }) => at >= from && at <= to)).toBe(true);
        expect(marks.map(({ at }) => at)).toEqual(marks.map(({ at }) => at).sort((a, b) => a - b));
      }
    }),
    { numRuns: 2_000 },
  );
});

it('shows the interrupts that fall into its time', () => {
  const interrupts = [
    { at: time(20), thread: null },
    { at: time(-20), thread: 'sthr_1' },
    { at: 'no time', thread: null },
  ];
  const call = detail({ seenAt: time(0), settledAt: time(50), state: 'settled' });
  expect(timeline([call], { interrupts }, START + 100).interrupts).toEqual([
    { at: START + 20, thread: null },
  ]);
});
