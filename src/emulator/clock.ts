/**
 * `processed_at` stamps. They never run backwards within an emulator, and several events may share one: the
 * position in the log decides then (api.md §1.5). Kept in microseconds, so that a unique stamp sorts right.
 */

/** Milliseconds that one stamp covers, or `unique` for a strictly increasing stamp with microseconds. */
export type StampResolution = number | 'unique';

export class Clock {
  readonly #resolution: StampResolution;
  readonly #source: () => number;
  #offsetMs: number;
  #last = 0;
  #lastUnique = 0;

  /**
   * @param offsetMs how far the server's clock is ahead of this machine's (negative: behind).
   * @param source Unix ms; the machine's clock by default.
   */
  constructor(resolution: StampResolution, offsetMs: number, source: () => number = Date.now) {
    if (resolution !== 'unique' && !(Number.isInteger(resolution) && resolution > 0)) {
      throw new TypeError(
        `stampResolution must be a whole number of ms above 0 or 'unique', not ${resolution}`,
      );
    }
    this.#resolution = resolution;
    this.#source = source;
    this.#offsetMs = offsetMs;
  }

  /** Unix ms by this clock. */
  now(): number {
    return this.#source() + this.#offsetMs;
  }

  /** Lets time pass at once: leases and tokens run out by this clock. */
  advance(ms: number): void {
    this.#offsetMs += ms;
  }

  /** The next RFC 3339 stamp, at or after every earlier one. */
  stamp(): string {
    const now = this.now();
    if (this.#resolution === 'unique') {
      this.#last = Math.max(now * 1000, this.#last + 1);
      return withMicros(this.#last);
    }
    this.#last = Math.max(Math.floor(now / this.#resolution) * this.#resolution * 1000, this.#last);
    return new Date(this.#last / 1000).toISOString();
  }

  /** A stamp that is given out once: what a compare-and-swap can rely on. */
  uniqueStamp(): string {
    this.#lastUnique = Math.max(this.now() * 1000, this.#lastUnique + 1);
    return withMicros(this.#lastUnique);
  }
}

function withMicros(micros: number): string {
  const fraction = String(micros % 1000).padStart(3, '0');
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${fraction}Z`;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** Microseconds since 1970 of an RFC 3339 time, or undefined where the text is none. */
export function microsOf(time: string): number | undefined {
  const parts = RFC_3339.exec(time);
  if (parts === null) return undefined;
  const [, seconds, fraction = '', zone] = parts;
  const whole = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(whole) ? undefined : whole * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
