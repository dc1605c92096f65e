/**
 * How many requests of one kind may go out: a token bucket that slows down when the API says 429 and recovers.
 * All times are milliseconds of one clock that never goes back.
 */

export interface Rate {
  /** Takes one request's worth, if there is one. */
  take(now: number): boolean;
  /** Milliseconds until the `nth` from now could go. */
  waitFor(nth: number, now: number): number;
  /**
   * The API refused a request that went out at `sentAt`. Requests that were on their way together count once.
   *
   * @returns whether the rate was lowered.
   */
  limited(sentAt: number, now: number, retryAfterMs?: number): boolean;
  /** Requests that could go at once; Infinity without a limit. */
  left(now: number): number;
  /** Infinity without a limit. */
  perMinute(now: number): number;
}

/**
 * Shares of what a minute allows, together all of it: so whichever minute is looked at, one with a restart in it
 * too, holds no more than that.
 */
const STEADY = 7 / 8;
const BURST = 1 / 10;
const AT_START = 1 / 40;

const MINUTE = 60_000;
/** Without `retry-after`. */
const PAUSE_MS = 1_000;
const LOWER = 0.7;
const RAISE = 1.25;
const RAISE_EVERY_MS = 5_000;
/** What a limit that was only learned is forgotten at, and what none is lowered below; per ms. */
const FORGOTTEN = 6_000 / MINUTE;
const LEAST = 60 / MINUTE;
/** What the present rate is measured over. */
const WINDOW_MS = 5_000;

/** @param most requests a minute, at least 10; Infinity: only what the API says limits them. */
export function createRate(most = Number.POSITIVE_INFINITY, startedAt = 0): Rate {
  const ceiling = (most * STEADY) / MINUTE;
  let rate = ceiling;
  let tokens = Math.max(1, most * AT_START);
  let filledAt = startedAt;
  let pausedUntil = startedAt;
  let loweredAt = Number.NEGATIVE_INFINITY;
  let raisedAt = startedAt;
  const sent = createCounter(startedAt);

  /** A lowered rate has no burst: a limit that was hit may well be kept by the second. */
  function capacity(): number {
    return Math.max(1, rate < ceiling ? rate * 1_000 : most * BURST);
  }

  function advance(now: number): void {
    for (; rate < ceiling && now - raisedAt >= RAISE_EVERY_MS; raisedAt += RAISE_EVERY_MS) {
      rate = Math.min(ceiling, rate * RAISE);
      if (ceiling === Number.POSITIVE_INFINITY && rate > FORGOTTEN) rate = ceiling;
    }
    const from = Math.max(filledAt, pausedUntil);
    if (now > from) tokens = Math.min(capacity(), tokens + (now - from) * rate);
    filledAt = Math.max(filledAt, now);
  }

  return {
    take(now) {
      advance(now);
      if (now < pausedUntil || tokens < 1) return false;
      tokens--;
      sent.add(now);
      return true;
    },
    waitFor(nth, now) {
      advance(now);
      const paused = Math.max(0, pausedUntil - now);
      return paused + Math.max(0, nth - tokens) / rate;
    },
    limited(sentAt, now, retryAfterMs = PAUSE_MS) {
      advance(now);
      pausedUntil = Math.max(pausedUntil, now + retryAfterMs);
      if (sentAt <= loweredAt) return false;
      // What went out, and not what might have: others may use the rest of the key's limit.
      rate = Math.max(Math.min(LEAST, ceiling / 4), Math.min(rate, sent.perMs(now)) * LOWER);
      tokens = 0;
      loweredAt = now;
      raisedAt = Math.max(now, pausedUntil);
      return true;
    },
    left(now) {
      advance(now);
      return now < pausedUntil ? 0 : Math.floor(tokens);
    },
    perMinute(now) {
      advance(now);
      return rate * MINUTE;
    },
  };
}

/** Counts by windows, so that it costs the same however much there is to count. */
function createCounter(startedAt: number) {
  let begun = startedAt;
  let before = 0;
  let current = 0;

  function roll(now: number): void {
    const windows = Math.floor((now - begun) / WINDOW_MS);
    if (windows === 0) return;
    before = windows === 1 ? current : 0;
    current = 0;
    begun += windows * WINDOW_MS;
  }

  return {
    add(now: number): void {
      roll(now);
      current++;
    },
    perMs(now: number): number {
      roll(now);
      return (before + current) / (WINDOW_MS + now - begun);
    },
  };
}
