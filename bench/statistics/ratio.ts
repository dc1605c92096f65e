/** One peer against another: each repetition against the one beside it, so that what disturbs both cancels out. Pure. */
import { type Interval, medianInterval } from './interval.ts';

/**
 * @param values of each repetition; undefined where it failed. Pairs in which either is missing are left out.
 * @returns undefined where no pair is left.
 */
export function ratioOf(
  values: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): Interval | undefined {
  const ratios = values.flatMap((value, i) => {
    const other = others[i];
    return value === undefined || other === undefined || other <= 0 ? [] : [value / other];
  });
  return medianInterval(ratios);
}
