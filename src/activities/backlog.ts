/** The events that wait for their signal: cut into batches, told when they are due, bounded (I11). */
import type { SessionEvent } from '../session/events.ts';

export interface BacklogOptions {
  /** Milliseconds a batch waits for company (5); with the end of a turn, which comes last, it goes at once. */
  readonly coalesceMs: number;
  /** Milliseconds a lazy event waits for an event that wakes the workflow anyway (2,000). */
  readonly lazyFlushMs: number;
  /** Most events in one batch (200). */
  readonly batchEvents: number;
  /** Most bytes of JSON in one batch (200,000); a larger event travels alone. */
  readonly batchBytes: number;
  /** Events and bytes beyond which nothing more is read (1,000 and 4,000,000). */
  readonly waitingEvents: number;
  readonly waitingBytes: number;
}

export const BACKLOG_DEFAULTS: BacklogOptions = {
  coalesceMs: 5,
  lazyFlushMs: 2_000,
  batchEvents: 200,
  batchBytes: 200_000,
  waitingEvents: 1_000,
  waitingBytes: 4_000_000,
};

export interface Batch {
  readonly events: readonly SessionEvent[];
  /** Whether, with this batch, the whole history that was listed is on its way. */
  readonly listed: boolean;
}

export interface Backlog {
  add(event: SessionEvent, lazy: boolean): void;
  /** Ends an attach: what was added so far is the history, and the batch that ends it carries `listed`. */
  markListed(): void;
  /**
   * The next batch, without taking it out; undefined when nothing is due yet. `all`: nothing waits longer.
   * @param now of `performance.now()`.
   */
  due(now: number, all?: boolean): Batch | undefined;
  /** When the next batch is due, of `performance.now()`; Infinity when nothing waits. */
  dueAt(): number;
  /** Takes out a batch that the workflow has accepted. */
  accepted(batch: Batch): void;
  /** Whether the `listed` mark, or an interrupt or end, has yet to be sent. */
  urgent(): boolean;
  readonly size: number;
  readonly bytes: number;
}

interface Entry {
  readonly event: SessionEvent;
  readonly bytes: number;
  /** When it is due by itself. */
  readonly at: number;
  readonly lazy: boolean;
  /** Nothing waits for company any more. */
  readonly flush: boolean;
  readonly urgent: boolean;
}

export function createBacklog(options: BacklogOptions): Backlog {
  const entries: Entry[] = [];
  let bytes = 0;
  /** How many entries at the front belong to the history that was listed. */
  let history = 0;
  let owesMark = false;

  function head(): Entry[] {
    let sum = 0;
    const fits = (entry: Entry, at: number) => {
      sum += entry.bytes;
      return at === 0 || (at < options.batchEvents && sum <= options.batchBytes);
    };
    const end = entries.findIndex((entry, at) => !fits(entry, at));
    return entries.slice(0, end === -1 ? entries.length : end);
  }

  function dueAt(): number {
    if (owesMark || entries.some(entry => entry.flush)) return 0;
    // A full batch gains nothing by waiting.
    if (entries.length >= options.batchEvents || bytes >= options.batchBytes) return 0;
    return entries.reduce((soonest, entry) => Math.min(soonest, entry.at), Number.POSITIVE_INFINITY);
  }

  return {
    add(event, lazy) {
      const size = Buffer.byteLength(JSON.stringify(event));
      const wait = lazy ? options.lazyFlushMs : options.coalesceMs;
      const urgent = isUrgent(event);
      const wakes = !lazy || entries.some(entry => !entry.lazy);
      const flush = urgent || (wakes && event.type === 'session.status_idle');
      entries.push({ event, bytes: size, at: performance.now() + wait, lazy, flush, urgent });
      bytes += size;
    },
    markListed() {
      history = entries.length;
      owesMark = true;
    },
    due(now, all = false) {
      if (dueAt() > now && !(all && entries.length > 0)) return undefined;
      const events = head().map(entry => entry.event);
      return { events, listed: events.length >= history };
    },
    dueAt,
    accepted(batch) {
      const taken = entries.splice(0, batch.events.length);
      bytes -= taken.reduce((sum, entry) => sum + entry.bytes, 0);
      history = Math.max(0, history - taken.length);
      if (batch.listed) owesMark = false;
    },
    urgent: () => owesMark || entries.some(entry => entry.urgent),
    get size() {
      return entries.length;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** What stops tools must not wait for company (I10); it takes along what was read before it. */
function isUrgent(event: SessionEvent): boolean {
  return (
    event.type === 'user.interrupt' ||
    event.type === 'session.status_terminated' ||
    event.type === 'session.deleted'
  );
}
