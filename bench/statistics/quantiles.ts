/** Quantiles of measured times. Pure. */

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Undefined where nothing was measured. */
export function quantilesOf(values: readonly number[]): Quantiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = sortedOf(values);
  const at = (share: number) => quantile(sorted, share);
  return { count: values.length, p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Undefined where there is no value. */
export function median(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : quantile(sortedOf(values), 0.5);
}

/**
 * Between the two nearest ranks where the share falls between them (Hyndman and Fan's type 7, as NumPy does it).
 *
 * @param sorted ascending, at least one.
 */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

function sortedOf(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
