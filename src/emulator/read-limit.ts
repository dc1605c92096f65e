/** The API's rate limit for reads, by windows of time: what is above it gets a 429 that says when to come back. */
import { ApiError } from './api-error.ts';
import type { Route } from './faults.ts';

export interface ReadLimit {
  /** Reads that a window takes. */
  readonly requests: number;
  /** Length of a window in ms; the API counts by the minute, and may do so by the second. */
  readonly windowMs: number;
}

const READS = new Set<Route>(['retrieve', 'list', 'stream', 'threads']);

export class ReadLimiter {
  readonly #limit: ReadLimit | undefined;
  #windowEnd = 0;
  #used = 0;

  constructor(limit: ReadLimit | undefined) {
    this.#limit = limit;
  }

  /** Throws the 429 of a read that is too many. */
  check(route: Route): void {
    if (this.#limit === undefined || !READS.has(route)) return;
    const { requests, windowMs } = this.#limit;
    const now = Date.now();
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + windowMs;
      this.#used = 0;
    }
    if (++this.#used <= requests) return;
    const seconds = (this.#windowEnd - now) / 1_000;
    throw new ApiError(429, `more than ${requests} reads in ${windowMs} ms`, {
      'retry-after': seconds.toFixed(3),
    });
  }
}
