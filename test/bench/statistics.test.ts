import { expect, test } from 'vitest';
import { changeOf, TOLERANCE, verdictOf } from '../../bench/statistics/comparison.ts';
import { ENOUGH, medianInterval } from '../../bench/statistics/interval.ts';
import { median, quantile, quantilesOf } from '../../bench/statistics/quantiles.ts';
import { ratioOf } from '../../bench/statistics/ratio.ts';
import { createRandom } from '../../src/dev/chaos/random.ts';

test('quantiles are those of NumPy', () => {
  const values = [7, 1, 3, 9, 5, 2, 8, 4, 6, 10];
  expect(quantilesOf(values)).toMatchObject({ count: 10, p50: 5.5, max: 10 });
  expect(quantilesOf(values)?.p90).toBeCloseTo(9.1);
  expect(quantilesOf(values)?.p99).toBeCloseTo(9.91);
  expect(quantile([4], 0.99)).toBe(4);
  expect([quantilesOf([]), median([])]).toEqual([undefined, undefined]);
});

test('what was measured is not reordered', () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

test('five repetitions give the whole range, eight leave out the outermost', () => {
  expect(medianInterval([5, 1, 4, 2, 3])).toEqual({ median: 3, low: 1, high: 5, count: 5 });
  expect(medianInterval([8, 1, 7, 2, 6, 3, 5, 4])).toEqual({ median: 4.5, low: 2, high: 7, count: 8 });
  expect(medianInterval([])).toBeUndefined();
});

test.each([5, 6, 8, 11, 20, 40])('the interval of %i values holds the median nine times in ten', count => {
  const random = createRandom(count, 'interval');
  // Of a lopsided distribution, as times are; its median is 1.
  const draw = () => 1 / (1 - random.int(0, 9_999) / 10_000) - 1;
  let held = 0;
  for (let i = 0; i < 2_000; i++) {
    const interval = medianInterval(Array.from({ length: count }, draw));
    if (interval !== undefined && interval.low <= 1 && interval.high >= 1) held++;
  }
  expect(held / 2_000).toBeGreaterThan(0.88);
});

test('a disturbance that hits both sides of a pair leaves the ratio as it was', () => {
  expect(ratioOf([10, 40, 11, 10, 10], [20, 80, 22, 20, 20])).toMatchObject({
    median: 0.5,
    low: 0.5,
    high: 0.5,
  });
});

test('a repetition that failed on either side is left out of the ratio', () => {
  expect(ratioOf([10, undefined, 30], [20, 40])).toEqual({ median: 0.5, low: 0.5, high: 0.5, count: 1 });
  expect(ratioOf([10], [])).toBeUndefined();
  expect(ratioOf([10], [0])).toBeUndefined();
});

const about = (middle: number, half: number, count = ENOUGH) => ({
  median: middle,
  low: middle - half,
  high: middle + half,
  count,
});
const verdict = (before: ReturnType<typeof about> | undefined, now: ReturnType<typeof about> | undefined) =>
  verdictOf({ workload: 'w', better: 'lower', before, now });

test('worse is only what the noise of both runs does not explain', () => {
  expect(verdict(about(1, 0.05), about(1.3, 0.05))).toBe('worse');
  expect(verdict(about(1, 0.2), about(1.3, 0.15))).toBe('same');
  expect(verdict(about(1, 0.05), about(0.7, 0.05))).toBe('better');
  expect(verdict(about(1, 0), about(1 + TOLERANCE / 2, 0))).toBe('same');
});

test('a throughput gets worse when it falls', () => {
  const compared = {
    workload: 'w',
    better: 'higher',
    before: about(1, 0.05),
    now: about(0.7, 0.05),
  } as const;
  expect(verdictOf(compared)).toBe('worse');
  expect(verdictOf({ ...compared, now: about(1.3, 0.05) })).toBe('better');
  expect(changeOf(compared)).toBeCloseTo(-0.3);
});

test('too few repetitions, or none, are not judged', () => {
  expect(verdict(about(1, 0), about(9, 0, ENOUGH - 1))).toBe('unsure');
  expect(verdict(undefined, about(9, 0))).toBe('missing');
});
