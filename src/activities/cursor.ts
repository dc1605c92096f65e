/** How far a session is read, as the workflow carries it and as lists take it (§6, Cursor). */
import { stampOf } from '../session/order.ts';

/** The later of two `processed_at` values; null and what is not a time count as nothing. */
export function laterStamp(a: string | null, b: string | null): string | null {
  const left = stampOf(a);
  const right = stampOf(b);
  if (right === undefined) return left === undefined ? null : a;
  return left === undefined || right > left ? b : a;
}

/** Where a list starts that reads on from `at`: events may be committed late, or stamped alike. */
export function overlapStart(at: string, overlapMs: number): string {
  return new Date(Date.parse(at) - overlapMs).toISOString();
}
