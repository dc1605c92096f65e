import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRate } from '../../src/anthropic/rate.ts';

const MINUTE = 60_000;

/** Takes whenever it can, every `stepMs` from `from` to `to`; the times at which it could. */
function greedily(rate: ReturnType<typeof createRate>, from: number, to: number, stepMs = 50): number[] {
  const taken: number[] = [];
  for (let now = from; now < to; now += stepMs) while (rate.take(now)) taken.push(now);
  return taken;
}

/** The most that fall into any window of a minute; `times` ascend. */
function busiestMinute(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [at, time] of times.entries()) {
    while (time - (times[first] ?? time) >= MINUTE) first++;
    most = Math.max(most, at - first + 1);
  }
  return most;
}

describe('a rate of 1,200 a minute', () => {
  it('never lets more than 1,200 go in any minute, however greedy, and nearly as many in the long run', () => {
    const taken = greedily(createRate(1_200), 0, 3 * MINUTE);
    expect(busiestMinute(taken)).toBeLessThanOrEqual(1_200);
    expect(taken.length).toBeGreaterThan(3 * 1_000);
  });

  it('holds after a pause, and over a restart that starts it anew', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 90_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        (pause, restart) => {
          const old = createRate(1_200);
          const before = greedily(old, pause, pause + restart, 100);
          const after = greedily(
            createRate(1_200, pause + restart),
            pause + restart,
            pause + 2 * MINUTE,
            100,
          );
          expect(busiestMinute([...before, ...after])).toBeLessThanOrEqual(1_200);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('says how long a request has to wait', () => {
    const rate = createRate(1_200);
    while (rate.take(0));
    expect(rate.waitFor(1, 0)).toBeLessThanOrEqual(58);
    const hundred = rate.waitFor(100, 0);
    expect(hundred).toBeGreaterThan(5_000);
    expect(greedily(rate, 0, hundred + 50).length).toBeGreaterThanOrEqual(100);
  });
});

describe('a 429', () => {
  it('stops everything for as long as the API says', () => {
    const rate = createRate(1_200);
    rate.take(0);
    rate.limited(0, 10, 7_000);
    expect(greedily(rate, 10, 7_000)).toEqual([]);
    expect(rate.waitFor(1, 10)).toBeGreaterThanOrEqual(7_000);
    expect(rate.take(8_100)).toBe(true);
  });

  it('slows down below what went out, and not below what might have', () => {
    const rate = createRate(1_200);
    greedily(rate, 0, 20_000, 200);
    const before = rate.perMinute(20_000);
    rate.limited(19_990, 20_000, 1_000);
    expect(rate.perMinute(20_000)).toBeLessThan(before * 0.75);
    const slow = createRate(1_200);
    for (let now = 0; now < 20_000; now += 500) slow.take(now);
    slow.limited(19_990, 20_000, 1_000);
    expect(slow.perMinute(20_000)).toBeLessThan(100);
  });

  it('of requests that were on their way together counts once', () => {
    const rate = createRate(1_200);
    greedily(rate, 0, 10_000);
    expect(rate.limited(9_000, 10_000)).toBe(true);
    const lowered = rate.perMinute(10_000);
    expect(rate.limited(9_500, 10_050)).toBe(false);
    expect(rate.perMinute(10_050)).toBe(lowered);
    expect(rate.limited(10_100, 10_200)).toBe(true);
    expect(rate.perMinute(10_200)).toBeLessThan(lowered);
  });

  it('is recovered from, up to the limit and no further', () => {
    const rate = createRate(1_200);
    greedily(rate, 0, 10_000);
    rate.limited(9_990, 10_000, 1_000);
    const lowered = rate.perMinute(10_000);
    expect(rate.perMinute(30_000)).toBeGreaterThan(lowered * 1.2);
    expect(rate.perMinute(10 * MINUTE)).toBe(createRate(1_200).perMinute(0));
  });

  it('gives a rate without a limit one, which is forgotten in time', () => {
    const rate = createRate();
    const times = [...Array(10_000).keys()];
    expect(times.every(now => rate.take(now) && rate.take(now))).toBe(true);
    expect(rate.left(10_000)).toBe(Number.POSITIVE_INFINITY);
    rate.limited(9_999, 10_000, 1_000);
    const most = rate.perMinute(10_000);
    expect(greedily(rate, 10_000, 14_000).length).toBeLessThanOrEqual((most * 4_000) / MINUTE);
    expect(rate.left(10 * MINUTE)).toBe(Number.POSITIVE_INFINITY);
  });

  it('never brings a rate below one request a second, which several workers can share', () => {
    const rate = createRate(1_200);
    for (let now = 0; now < MINUTE; now += 100) rate.limited(now, now, 1);
    expect(rate.perMinute(MINUTE)).toBeGreaterThanOrEqual(60);
  });
});
