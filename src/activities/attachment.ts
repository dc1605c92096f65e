/**
 * An open stream and what was read from it but not yet signalled. It outlives a lease: the next one on this
 * worker takes it over with its backlog, its known ids and its cursor.
 */
import type { RawEvent } from '../anthropic/event-stream.ts';
import { type SessionEvent, toSessionEvent } from '../session/events.ts';
import { type Backlog, type BacklogOptions, type Batch, createBacklog } from './backlog.ts';
import { laterStamp } from './cursor.ts';
import type { EventFilter } from './event-filter.ts';
import { keyOf } from './known-ids.ts';
import { createNotifier } from './notifier.ts';

export interface Attachment {
  readonly backlog: Pick<Backlog, 'due' | 'dueAt' | 'urgent' | 'size' | 'bytes'>;
  /** Newest `processed_at` whose batch the workflow has accepted. */
  readonly cursor: string | null;
  /** The cursor once `batch` is accepted. */
  cursorAfter(batch: Batch): string | null;
  /** Takes `batch` out and lets the reader go on. */
  accepted(batch: Batch): void;
  /** The ids of what the workflow knows of late, once the backlog is empty. */
  signalled(): string[];
  /** Ends an attach: `history` goes first, then what the stream brought in the meantime (I3). */
  release(history: History): void;
  /** Resolves when there may be something to do, or after `ms`. */
  change(ms: number): Promise<void>;
  /** Wakes whoever waits for a change. */
  notify(): void;
  /** Set once the stream has ended; `error` is absent when the server closed it. */
  readonly end: { readonly error?: unknown } | undefined;
  /** Whether the stream was of use: it brought something new, or it stood for a while. */
  readonly healthy: boolean;
  close(): void;
}

export interface History {
  /** Forwarded as they are, or through the filter like live events. */
  readonly events: readonly SessionEvent[];
  readonly unfiltered: boolean;
  /** The newest stamp that was listed, be it of an event that is not forwarded. */
  readonly through: string | null;
}

export interface AttachmentParts {
  readonly stream: AsyncIterable<RawEvent>;
  readonly filter: EventFilter;
  readonly options: BacklogOptions;
  readonly cursor: string | null;
  /** Aborts the stream's request. */
  readonly abort: () => void;
}

/** A stream that stood this long was not refused, whatever it brought. */
const HEALTHY_MS = 5_000;

export function createAttachment({ stream, filter, options, abort, ...at }: AttachmentParts): Attachment {
  const backlog = createBacklog(options);
  const changes = createNotifier();
  const room = createNotifier();
  const openedAt = performance.now();
  let cursor = at.cursor;
  let through: string | null = null;
  /** Set while a whole history is being signalled: half of one is not a place to read on from. */
  let withheld = false;
  /** What the stream brings while the history is being listed; undefined afterwards. */
  let live: SessionEvent[] | undefined = [];
  let liveBytes = 0;
  /** Echoes whose post is not answered yet. */
  const held = new Set<string>();
  let fresh = false;
  let closed = false;
  let end: { error?: unknown } | undefined;

  function forward(event: SessionEvent, lazy: boolean): void {
    backlog.add(event, lazy);
    changes.notify();
  }

  function admit(event: SessionEvent): void {
    const admission = filter.admit(event);
    if (admission.kind !== 'dropped') fresh = true;
    if (admission.kind === 'forwarded') forward(event, admission.lazy);
    // The events behind it do not wait: an interrupt may be among them.
    if (admission.kind === 'held') {
      held.add(keyOf(event));
      void admission.settled.then(accepted => {
        held.delete(keyOf(event));
        if (!accepted && !closed) forward(event, false);
      });
    }
  }

  function isFull(): boolean {
    const waiting = backlog.size + (live?.length ?? 0);
    return waiting >= options.waitingEvents || backlog.bytes + liveBytes >= options.waitingBytes;
  }

  async function read(): Promise<void> {
    for await (const raw of stream) {
      const event = toSessionEvent(raw);
      if (event === undefined) continue;
      if (live === undefined) admit(event);
      else {
        live.push(event);
        liveBytes += JSON.stringify(event).length;
      }
      // Backpressure: nothing is read while we wait here, so the socket's buffers fill and hold the server.
      while (isFull() && !closed) await room.wait();
      if (closed) return;
    }
  }

  read()
    .then(
      () => {
        end = {};
      },
      error => {
        end = { error };
      },
    )
    .finally(() => changes.notify());

  function cursorAfter(batch: Batch): string | null {
    if (withheld && !batch.listed) return cursor;
    const stamps = batch.events.map(event => event.processed_at);
    return [...stamps, batch.listed ? through : null].reduce(laterStamp, cursor);
  }

  return {
    backlog,
    get cursor() {
      return cursor;
    },
    cursorAfter,
    accepted(batch) {
      cursor = cursorAfter(batch);
      withheld &&= !batch.listed;
      backlog.accepted(batch);
      room.notify();
    },
    signalled: () => filter.seen().filter(id => !held.has(id)),
    release(history) {
      through = history.through;
      withheld = history.unfiltered;
      for (const event of history.events) {
        if (history.unfiltered) {
          filter.note(event, true);
          forward(event, false);
        } else admit(event);
      }
      backlog.markListed();
      const buffered = live ?? [];
      live = undefined;
      liveBytes = 0;
      for (const event of buffered) admit(event);
      room.notify();
      changes.notify();
    },
    change: ms => changes.wait(ms),
    notify: changes.notify,
    get end() {
      return end;
    },
    get healthy() {
      return fresh || performance.now() - openedAt >= HEALTHY_MS;
    },
    close() {
      closed = true;
      abort();
      room.notify();
    },
  };
}
