/**
 * One lease of a session's listener: it attaches (or takes over an open stream), signals batch after batch, one
 * in flight, and ends with its cursor. Knows nothing of Temporal but that a batch is accepted or not.
 */
import { classify, type Failure } from '../anthropic/failures.ts';
import type { OwnResults } from '../anthropic/own-results.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import { failpoint } from '../failpoint.ts';
import type { Cursor, EventBatch } from '../workflows/messages.ts';
import { type AttachOptions, attach } from './attach.ts';
import type { Attachment } from './attachment.ts';
import type { AttemptId, AttemptMemory } from './attempt-memory.ts';
import { BACKLOG_DEFAULTS, type Batch } from './backlog.ts';
import { laterStamp } from './cursor.ts';
import type { ParkedStreams } from './parked-streams.ts';

/**
 * What came of a signal. `refused`: the run takes no more (10,000 signals), the next one will.
 * `gone`: there is no such workflow any more. Everything else is thrown.
 */
export type SignalAnswer = 'accepted' | 'refused' | 'gone';

export interface Lease extends AttemptId {
  readonly run: string;
  /** Unix ms of the server's clock. */
  readonly scheduledAt: number;
  readonly cursor: Cursor;
  readonly known: readonly string[];
  readonly reread?: boolean;
  readonly leaseMs: number;
  readonly maxEvents: number;
}

export interface LeaseParts {
  readonly feed: SessionFeed;
  readonly ownResults: OwnResults;
  readonly parked: ParkedStreams;
  readonly memory: AttemptMemory;
  readonly signal: (batch: EventBatch) => Promise<SignalAnswer>;
  /** Called whenever the workflow has accepted what was read so far. */
  readonly onCursor: (cursor: Cursor) => void;
  readonly options: ListenerOptions;
}

export interface ListenerOptions extends AttachOptions {
  /** Milliseconds; a longer `retry-after` counts as this (60,000). */
  readonly retryAfterCapMs: number;
}

export const LISTENER_DEFAULTS: ListenerOptions = {
  ...BACKLOG_DEFAULTS,
  silenceMs: 90_000,
  overlapMs: 60_000,
  pageEvents: 1_000,
  retryAfterCapMs: 60_000,
};

export type LeaseEnd =
  | { readonly kind: 'lease-ended'; readonly cursor: Cursor }
  | { readonly kind: 'session-ended'; readonly cursor: Cursor }
  /** The stream broke. `healthy`: it had been of use, so it may be opened again at once. */
  | { readonly kind: 'stream-lost'; readonly reason: string; readonly healthy: boolean }
  /** The API did not let us attach. */
  | { readonly kind: 'failed'; readonly failure: Failure };

/** @throws `cancelled.reason` once it aborts, at once and with nothing left open; what `signal` throws. */
export async function runLease(lease: Lease, parts: LeaseParts, cancelled: AbortSignal): Promise<LeaseEnd> {
  const { feed, parked, options } = parts;
  let cursor = lease.cursor.at;
  // Not the wall clock, which may be set back: what is due in 5 ms would then wait for an hour.
  const endsAt = performance.now() + lease.leaseMs;
  let attachment: Attachment | undefined;
  const wake = () => attachment?.notify();
  cancelled.addEventListener('abort', wake);
  try {
    // What is to be read again no open stream brings, even where the cursors agree.
    attachment = parked.adopt(lease.sessionId, lease.reread ? null : cursor);
    if (attachment !== undefined) await failpoint('lease.adopted', lease.sessionId);
    if (attachment === undefined) {
      try {
        const known = [...lease.known, ...parts.memory.recall(lease)];
        const { sessionId, reread = false } = lease;
        const to = { sessionId, cursor, known, reread };
        attachment = await attach(feed, parts.ownResults, to, options, cancelled);
      } catch (error) {
        cancelled.throwIfAborted();
        return { kind: 'failed', failure: classify(error, { address: feed.address, ...options }) };
      }
    }
    return await forward(attachment);
  } finally {
    cancelled.removeEventListener('abort', wake);
    // Only a stream that was handed over stays open.
    attachment?.close();
  }

  async function forward(from: Attachment): Promise<LeaseEnd> {
    const { backlog } = from;
    let signalled = 0;
    for (;;) {
      cancelled.throwIfAborted();
      const over = signalled >= lease.maxEvents || performance.now() >= endsAt;
      if (over && !backlog.urgent() && from.end === undefined) return handOver(from);
      // What a broken stream left behind goes out first, so that the cursor says how far we are.
      const batch = backlog.due(performance.now(), from.end !== undefined);
      if (batch === undefined) {
        if (from.end !== undefined) return lost(from, from.end);
        await from.change(Math.min(backlog.dueAt(), endsAt) - performance.now());
        continue;
      }
      await failpoint('signal.unsent', lease.sessionId);
      const answer = await untilCancelled(parts.signal(asSignal(batch, from.cursorAfter(batch))));
      if (answer === 'refused') return handOver(from);
      await failpoint('signal.sent', lease.sessionId);
      if (answer === 'gone') return { kind: 'lease-ended', cursor: { at: cursor } };
      from.accepted(batch);
      signalled += batch.events.length;
      cursor = laterStamp(cursor, from.cursor);
      parts.onCursor({ at: cursor });
      if (batch.events.some(endsSession)) return { kind: 'session-ended', cursor: { at: cursor } };
    }
  }

  async function handOver(from: Attachment): Promise<LeaseEnd> {
    parked.park(lease.sessionId, from);
    attachment = undefined;
    await failpoint('lease.ended', lease.sessionId);
    return { kind: 'lease-ended', cursor: { at: cursor } };
  }

  function lost(from: Attachment, end: { error?: unknown }): LeaseEnd {
    parts.memory.remember(lease, from.signalled());
    const failure = end.error === undefined ? undefined : classify(end.error, { address: feed.address });
    const reason = failure?.kind === 'transient' ? failure.reason : failure?.message;
    const healthy = from.healthy;
    return { kind: 'stream-lost', reason: reason ?? `${feed.address} closed the stream`, healthy };
  }

  function asSignal(batch: Batch, at: string | null): EventBatch {
    const { epoch, lease: number, attempt, run, scheduledAt } = lease;
    const from = { epoch, lease: number, attempt, run, scheduledAt };
    return { ...from, events: batch.events, listed: batch.listed, cursor: { at } };
  }

  function untilCancelled<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(cancelled.reason);
      cancelled.addEventListener('abort', abort, { once: true });
      work.then(resolve, reject).finally(() => cancelled.removeEventListener('abort', abort));
    });
  }
}

function endsSession(event: EventBatch['events'][number]): boolean {
  return event.type === 'session.status_terminated' || event.type === 'session.deleted';
}
