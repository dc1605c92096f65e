/**
 * How sure a median is: an interval between two of the measured values that holds the true median with at least 90 %
 * whatever the values' distribution is (sign test). Pure.
 */
import { quantile } from './quantiles.ts';

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const CONFIDENCE = 0.9;

/** The fewest values of which an interval is sure: with four, that between the outermost misses one time in eight. */
export const ENOUGH = 5;

/** Undefined where there is no value. Of fewer than `ENOUGH` it is all of their range, and less sure. */
export function medianInterval(values: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const cut = outermost(sorted.length);
  return {
    median: quantile(sorted, 0.5),
    low: sorted[cut] ?? Number.NaN,
    high: sorted[sorted.length - 1 - cut] ?? Number.NaN,
    count: sorted.length,
  };
}

/** How many values may be left out at each end. */
function outermost(count: number): number {
  let cut = 0;
  // The median lies outside of [x(cut+1), x(count-cut)] when at most `cut` of `count` fair coins show heads, or tails.
  for (let missed = 2 * 0.5 ** count, ways = 1; ; cut++) {
    ways = (ways * (count - cut)) / (cut + 1);
    missed += 2 * ways * 0.5 ** count;
    if (missed > 1 - CONFIDENCE) return cut;
  }
}
