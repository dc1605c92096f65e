/**
 * Tells the API what was decided about a held call, and what the server makes of it: its own events are the
 * answer, whoever was first. Free of Temporal: whoever calls it retries when told to.
 */
import type { EventSendParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import { type SessionEvent, toSessionEvent } from '../session/events.ts';
import type { RawEvent } from './event-stream.ts';
import { classify, type Failure } from './failures.ts';
import { overlapBefore } from './read-back.ts';
import { isOver, type Refusal, saysNoMatch, words } from './refusal.ts';
import type { ListedType, SessionFeed } from './session-feed.ts';

export interface ConfirmationJob {
  readonly sessionId: string;
  readonly callId: string;
  readonly result: 'allow' | 'deny';
  /** Of a denial only (the API refuses it with an `allow`). */
  readonly message?: string;
  /** The call's `processed_at`, from which a refusal is read back. */
  readonly processedAt: string | null;
  /** Unix ms of when we first saw the call. */
  readonly firstSeenAt: number;
  /** Unix ms of its first refusal, as an earlier attempt told it. */
  readonly refusedSince?: number;
  /** Unix ms by the clock of `firstSeenAt`. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

export type Confirmation =
  /** What the server has of it: a verdict, ours or another's that was first, or an answer. */
  | { readonly kind: 'known'; readonly events: readonly SessionEvent[] }
  /** Nothing is taken for the call any more. */
  | { readonly kind: 'void'; readonly reason: string }
  /** The API will not take it, and says nothing else of the call. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'again';
      readonly why: 'unavailable' | 'unauthorized' | 'pending';
      readonly reason: string;
      readonly retryAfterMs?: number;
      readonly refusedSince?: number;
    };

/** Milliseconds for which a refusal may mean that the call, or another's verdict, is not committed yet (§2.6). */
const REFUSED_MS = 60_000;

const BEARING: readonly ListedType[] = [
  'user.tool_confirmation',
  'user.tool_result',
  'user.custom_tool_result',
  'agent.tool_result',
];

/** @throws `job.signal.reason` once it aborts. */
export async function confirm(
  feed: SessionFeed,
  job: ConfirmationJob,
  options: { readonly refusedMs?: number } = {},
): Promise<Confirmation> {
  const { sessionId, signal } = job;
  try {
    const echoes = await feed.send(sessionId, [eventOf(job)], signal);
    return { kind: 'known', events: [echoOf(job, echoes)] };
  } catch (error) {
    return await onError(error);
  }

  async function onError(error: unknown, judged = false): Promise<Confirmation> {
    signal?.throwIfAborted();
    const failure: Failure = classify(error, { address: feed.address });
    switch (failure.kind) {
      case 'transient': {
        const wait = failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs };
        return { kind: 'again', why: 'unavailable', reason: failure.reason, ...since(), ...wait };
      }
      case 'unauthorized':
        return { kind: 'again', why: 'unauthorized', reason: words(failure), ...since() };
      case 'not-found':
        return { kind: 'void', reason: `the session is gone: ${failure.message}` };
      case 'refused':
        if (judged) return { kind: 'again', why: 'unavailable', reason: words(failure), ...since() };
        // What the read-back meets is no word about our verdict.
        return judge(failure).catch(next => onError(next, true));
      default:
        return failure satisfies never;
    }
  }

  /** A 400 alone says nothing: our earlier post landed, somebody was first, or the call is not committed yet. */
  async function judge(refusal: Refusal): Promise<Confirmation> {
    const events = await readBack(feed, job);
    if (events.length > 0) return { kind: 'known', events };
    if (await isOver(feed, sessionId, refusal, signal)) return { kind: 'void', reason: words(refusal) };
    const refusedSince = job.refusedSince ?? job.now;
    const limit = options.refusedMs ?? REFUSED_MS;
    const uncommitted = saysNoMatch(refusal) && job.now - job.firstSeenAt < limit;
    if (uncommitted || job.now - refusedSince < limit)
      return { kind: 'again', why: 'pending', reason: words(refusal), refusedSince };
    return { kind: 'refused', reason: words(refusal) };
  }

  function since(): { refusedSince?: number } {
    return job.refusedSince === undefined ? {} : { refusedSince: job.refusedSince };
  }
}

/** The API routes it by the call's id: `session_thread_id` is only on what it sends. */
function eventOf({ callId, result, message }: ConfirmationJob): EventSendParams['events'][number] {
  const told = result === 'deny' && message !== undefined ? { deny_message: message } : {};
  return { type: 'user.tool_confirmation', tool_use_id: callId, result, ...told };
}

/** An answer without an echo is no reason to doubt what was taken. */
function echoOf({ callId, result }: ConfirmationJob, echoes: readonly RawEvent[]): SessionEvent {
  for (const raw of echoes) {
    const event = toSessionEvent(raw);
    if (event?.type === 'user.tool_confirmation' && event.tool_use_id === callId) return event;
  }
  const id = `confirmed:${callId}`;
  return { type: 'user.tool_confirmation', id, processed_at: null, tool_use_id: callId, result };
}

async function readBack(feed: SessionFeed, job: ConfirmationJob): Promise<SessionEvent[]> {
  const found: SessionEvent[] = [];
  const pages = feed.listPages(job.sessionId, {
    types: BEARING,
    since: overlapBefore([job]) ?? null,
    ...(job.signal ? { signal: job.signal } : {}),
  });
  for await (const page of pages) {
    for (const raw of page) {
      const event = toSessionEvent(raw);
      if (event !== undefined && 'tool_use_id' in event && event.tool_use_id === job.callId)
        found.push(event);
    }
  }
  return found;
}
