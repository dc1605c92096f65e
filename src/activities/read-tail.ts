/** Asks the API whether an idle session still is idle: a watchdog's timer that fires only asks (§6). */
import { cancellationSignal } from '@temporalio/activity';
import type { RawEvent } from '../anthropic/event-stream.ts';
import { classify } from '../anthropic/failures.ts';
import type { ListQuery, SessionFeed } from '../anthropic/session-feed.ts';
import { failpoint } from '../failpoint.ts';
import { apiFailure } from './api-failure.ts';
import { cancellationFailure } from './cancellation.ts';

export interface ReadTailInput {
  readonly sessionId: string;
  /** The `session.status_idle` that armed the timer. */
  readonly idleId: string;
  /** Its `processed_at`; null reads from the start. */
  readonly since: string | null;
}

export type Tail =
  | { readonly kind: 'still-idle' }
  /** `by`: the type of the first event that counts. */
  | { readonly kind: 'moved-on'; readonly by: string }
  /** `by`: the event's type, or `not-found`: the session is gone. */
  | { readonly kind: 'ended'; readonly by: string };

/** Failures: `ApiUnavailable` (retryable) · `ApiRefused` (final, 400, 401, 403) · cancellation. */
export function createReadTail(deps: {
  readonly feed: SessionFeed;
}): (input: ReadTailInput) => Promise<Tail> {
  return async function readTail(input) {
    const signal = cancellationSignal();
    try {
      await failpoint('tail.unread', input.sessionId);
      const tail = await readSessionTail(deps.feed, input, signal);
      await failpoint('tail.read', input.sessionId);
      return tail;
    } catch (error) {
      if (signal.aborted) throw cancellationFailure(signal.reason);
      const failure = classify(error, { address: deps.feed.address });
      if (failure.kind === 'not-found') return { kind: 'ended', by: 'not-found' };
      throw apiFailure(failure);
    }
  };
}

/** @throws what the feed throws. */
export async function readSessionTail(
  feed: SessionFeed,
  { sessionId, idleId, since }: ReadTailInput,
  signal?: AbortSignal,
): Promise<Tail> {
  const options = { lane: 'tail', ...(signal ? { signal } : {}) } as const;
  let found = false;
  // Without `types[]`: what the listener filters counts too.
  for await (const page of feed.listPages(sessionId, { since, ...options })) {
    for (const event of page) {
      if (event.id === idleId) found = true;
      // A queued event has no place in the order yet, but it will be processed after all that has one.
      else if (counts(event) && (found || (event.processed_at ?? null) === null)) return passedBy(event);
    }
  }
  return found ? { kind: 'still-idle' } : newest(feed, sessionId, options);
}

/** The idle is not where its stamp says: what counts is the newest event that the idle check sees. */
async function newest(
  feed: SessionFeed,
  sessionId: string,
  options: Pick<ListQuery, 'lane' | 'signal'>,
): Promise<Tail> {
  for await (const page of feed.listPages(sessionId, { order: 'desc', limit: 50, ...options })) {
    const event = page.find(counts);
    if (event === undefined) continue;
    return event.type === 'session.status_idle' && stopReason(event) !== 'requires_action'
      ? { kind: 'still-idle' }
      : passedBy(event);
  }
  return { kind: 'moved-on', by: 'nothing' };
}

/** As in the SDK's `isIdleNeutral`. */
function counts(event: RawEvent): boolean {
  return event.type !== 'user.tool_confirmation' && event.type !== 'session.thread_status_terminated';
}

function passedBy(event: RawEvent): Tail {
  const by = String(event.type);
  const ended = by === 'session.status_terminated' || by === 'session.deleted';
  return { kind: ended ? 'ended' : 'moved-on', by };
}

function stopReason(event: RawEvent): unknown {
  return (event.stop_reason as { type?: unknown } | null | undefined)?.type;
}
