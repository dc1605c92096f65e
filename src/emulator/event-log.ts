/**
 * The events of one session in list order: by `processed_at`, then by position. Queued user events have no
 * stamp yet; they stand behind all others until they are processed (api.md §1.5).
 */
import { microsOf } from './clock.ts';

/** Any event of the wire; only these three fields are common to all. */
export interface SessionEvent {
  readonly id: string;
  readonly type: string;
  readonly processed_at: string | null;
  readonly [field: string]: unknown;
}

interface Entry {
  readonly event: SessionEvent;
  readonly micros: number;
  /** Unix ms before which lists leave it out: the commit race. */
  readonly visibleAt: number;
}

/** What of the log a list asks for. Bounds are microseconds; `position` comes from the page before. */
export interface Slice {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly types?: ReadonlySet<string>;
  /** First stamp that is in, and first stamp that is out again. */
  readonly from?: number;
  readonly before?: number;
  readonly position?: number;
  /** How many entries one page looks at; a page may then be short, or empty, with more to come. */
  readonly scanLimit?: number;
}

export class EventLog {
  readonly #entries: Entry[] = [];
  #queued: SessionEvent[] = [];

  get length(): number {
    return this.#entries.length + this.#queued.length;
  }

  /** Adds a stamped event; one with an older stamp than the last goes behind its equals. */
  append(event: SessionEvent, visibleAt = 0): void {
    const micros = event.processed_at === null ? undefined : microsOf(event.processed_at);
    if (micros === undefined) {
      throw new TypeError(
        `event ${event.id} (${event.type}): processed_at must be an RFC 3339 time, not ${event.processed_at}`,
      );
    }
    const entry = { event, micros, visibleAt };
    if ((this.#entries.at(-1)?.micros ?? 0) <= micros) this.#entries.push(entry);
    else this.#entries.splice(this.#firstAt(micros + 1), 0, entry);
  }

  enqueue(event: SessionEvent): void {
    this.#queued.push(event);
  }

  /** Takes an event out of the queue, to be appended with its stamp or to be dropped. */
  dequeue(id: string): void {
    this.#queued = this.#queued.filter(event => event.id !== id);
  }

  /** All events now in list order. */
  all(): SessionEvent[] {
    return [...this.#entries.map(entry => entry.event), ...this.#queued];
  }

  /** One page, and the position of the next one where more may follow. */
  page(slice: Slice): { data: SessionEvent[]; next: number | undefined } {
    const bounded = slice.from !== undefined || slice.before !== undefined;
    const low = slice.from === undefined ? 0 : this.#firstAt(slice.from);
    const high = slice.before !== undefined ? this.#firstAt(slice.before) : this.#end(bounded);
    const step = slice.order === 'asc' ? 1 : -1;
    const now = Date.now();
    const data: SessionEvent[] = [];
    let at =
      slice.order === 'asc'
        ? Math.max(low, slice.position ?? low)
        : Math.min(high - 1, slice.position ?? high - 1);
    for (let scanned = 0; at >= low && at < high; at += step, scanned++) {
      if (scanned === slice.scanLimit) return { data, next: at };
      const event = this.#visible(at, now);
      if (event === undefined || (slice.types !== undefined && !slice.types.has(event.type))) continue;
      if (data.length === slice.limit) return { data, next: at };
      data.push(event);
    }
    return { data, next: undefined };
  }

  /** An event without a stamp is neither before nor after any time, so a bounded list leaves it out. */
  #end(bounded: boolean): number {
    return bounded ? this.#entries.length : this.length;
  }

  #visible(at: number, now: number): SessionEvent | undefined {
    const entry = this.#entries[at];
    if (entry === undefined) return this.#queued[at - this.#entries.length];
    return entry.visibleAt > now ? undefined : entry.event;
  }

  /** Index of the first entry stamped at or after `micros`; by halving, so that a filtered list is cheap. */
  #firstAt(micros: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.micros ?? 0) < micros) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
