/** Opens a session's stream and then lists what stood before it (I3). */
import type { OwnResults } from '../anthropic/own-results.ts';
import type { ListedType, SessionFeed } from '../anthropic/session-feed.ts';
import { failpoint } from '../failpoint.ts';
import { SESSION_EVENT_TYPES, type SessionEvent, toSessionEvent } from '../session/events.ts';
import { compactHistory } from '../session/history.ts';
import { type Attachment, createAttachment, type History } from './attachment.ts';
import type { BacklogOptions } from './backlog.ts';
import { laterStamp, overlapStart } from './cursor.ts';
import { createEventFilter, type EventFilter } from './event-filter.ts';

export interface AttachOptions extends BacklogOptions {
  /** Milliseconds without a byte after which a stream is given up (90,000). */
  readonly silenceMs: number;
  /** Milliseconds before the cursor from which a reconnect lists (60,000). */
  readonly overlapMs: number;
  /** Events per page of a list (1,000). */
  readonly pageEvents: number;
}

export interface AttachTo {
  readonly sessionId: string;
  /** Null: the whole history is read. */
  readonly cursor: string | null;
  /** Event ids that the workflow has folded already. */
  readonly known: readonly string[];
  /** All from the cursor on is told as a history is, and answers too: the workflow has left out calls of it. */
  readonly reread?: boolean;
}

/**
 * `session.deleted` is only ever streamed (the events of a deleted session are a 404), and the API's `types[]`
 * does not name it.
 */
const LISTED_TYPES: readonly ListedType[] = SESSION_EVENT_TYPES.filter(type => type !== 'session.deleted');

/** A history is cut down whenever this many events have been read, so that its size does not matter (I11). */
const COMPACT_EVERY = 2_000;

/**
 * Nothing of a history is forwarded before its last page was read (behaviours.md 66).
 *
 * @throws what the feed throws; nothing stays open then.
 */
export async function attach(
  feed: SessionFeed,
  ownResults: OwnResults,
  to: AttachTo,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<Attachment> {
  const request = new AbortController();
  const { silenceMs } = options;
  const stream = await connect(() => feed.openStream(to.sessionId, { signal: request.signal, silenceMs }));
  const filter = createEventFilter({ ...to, ownResults, overlapMs: options.overlapMs });
  const attachment = createAttachment({
    stream,
    filter,
    options,
    cursor: to.cursor,
    abort: () => request.abort(),
  });
  try {
    await failpoint('listen.attached', to.sessionId);
    const history = await list(feed, filter, to, options, signal);
    await failpoint('listen.unreleased', to.sessionId);
    attachment.release(history);
    return attachment;
  } catch (error) {
    attachment.close();
    throw error;
  }

  async function connect<T>(open: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    // Only while connecting: an open stream may outlive this lease.
    const abort = () => request.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await open();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}

async function list(
  feed: SessionFeed,
  filter: EventFilter,
  to: AttachTo,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<History> {
  const whole = to.cursor === null || to.reread === true;
  const compact = (read: readonly SessionEvent[]) =>
    compactHistory(read, { keepAnswers: to.reread === true });
  let events: SessionEvent[] = [];
  let through: string | null = null;
  let cutTo = 0;
  const pages = feed.listPages(to.sessionId, {
    types: LISTED_TYPES,
    since: to.cursor === null ? null : overlapStart(to.cursor, options.overlapMs),
    limit: options.pageEvents,
    lane: 'attach',
    signal,
  });
  for await (const page of pages) {
    for (const raw of page) {
      const event = toSessionEvent(raw);
      if (event === undefined) continue;
      through = laterStamp(through, event.processed_at);
      if (whole) filter.note(event, false);
      events.push(event);
    }
    if (whole && events.length - cutTo > COMPACT_EVERY) {
      events = compact(events);
      cutTo = events.length;
    }
    await failpoint('listen.page', to.sessionId);
  }
  if (whole) filter.listedAll(through);
  return { events: whole ? compact(events) : events, unfiltered: whole, through };
}
