/** How long a poll loop waits: the SDK's own figures (behaviours.md 121, 122), so that fleets may be mixed. */

const BASE_MS = 1_000;
const CAP_MS = 60_000;

/** Milliseconds before the poll after `attempt` failures in a row (from 0): 1 s, 2 s, 4 s … 60 s. */
export function backoff(attempt: number): number {
  return Math.min(BASE_MS * 2 ** attempt, CAP_MS);
}

/** Anything from `low` to just below `high`: many workers must not ask in step. */
export function jitter(low: number, high: number): number {
  return low + Math.random() * (high - low);
}

/** Up to a quarter less. */
export function jittered(ms: number): number {
  return jitter(ms * 0.75, ms);
}
