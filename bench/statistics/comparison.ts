/** The regression gate: ratios of two runs against each other, each with the noise that it measured. Pure. */
import { ENOUGH, type Interval } from './interval.ts';

export type Direction = 'lower' | 'higher';

export interface Compared {
  readonly workload: string;
  /** Which way is better. */
  readonly better: Direction;
  readonly before: Interval | undefined;
  readonly now: Interval | undefined;
}

/**
 * `worse` and `better`: the two intervals do not touch, so the noise of both runs together does not explain it.
 * `unsure`: too few repetitions in either to tell. `missing`: not measured in one of them.
 */
export type Verdict = 'worse' | 'same' | 'better' | 'unsure' | 'missing';

/** Two runs on the same machine differ by so much for reasons that no repetition within one run shows. */
export const TOLERANCE = 0.03;

export function verdictOf({ before, now, better }: Compared): Verdict {
  if (before === undefined || now === undefined) return 'missing';
  if (before.count < ENOUGH || now.count < ENOUGH) return 'unsure';
  const up = now.low > before.high * (1 + TOLERANCE);
  const down = now.high < before.low * (1 - TOLERANCE);
  if (!up && !down) return 'same';
  return up === (better === 'lower') ? 'worse' : 'better';
}

/** How much the median moved, as a share of what it was: 0.1 is a tenth more. */
export function changeOf({ before, now }: Compared): number | undefined {
  return before === undefined || now === undefined ? undefined : now.median / before.median - 1;
}
