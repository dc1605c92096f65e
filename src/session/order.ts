/**
 * The order of events: `processed_at`, then position (I1). Arrival decides nothing but ties: lists and streams
 * overlap, frames come late, yet an interrupt stops only earlier calls and an older status never wins.
 */

export interface Order {
  /** Sortable form of `processed_at`: seconds and nanoseconds, fixed width. */
  readonly stamp: string;
  /** Position among events of one stamp. */
  readonly seq: number;
}

export const FIRST: Order = { stamp: '', seq: 0 };

/**
 * Stamps differ in precision (`…00Z`, `…00.123456Z`) and may carry an offset, so their text does not sort.
 *
 * @returns undefined for null and for what is not a time.
 */
export function stampOf(processedAt: string | null): string | undefined {
  if (processedAt === null) return undefined;
  const ms = Date.parse(processedAt);
  if (Number.isNaN(ms)) return undefined;
  const fraction = /\.(\d{1,9})/.exec(processedAt)?.[1] ?? '';
  return `${String(Math.floor(ms / 1000)).padStart(11, '0')}${fraction.padEnd(9, '0')}`;
}

/** For sorting. */
export function compareOrders(a: Order, b: Order): number {
  if (a.stamp === b.stamp) return a.seq - b.seq;
  return a.stamp < b.stamp ? -1 : 1;
}

export function isBefore(a: Order, b: Order): boolean {
  return compareOrders(a, b) < 0;
}
