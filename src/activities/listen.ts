/** The activity that listens to a session: its stream's events become signals to the session's workflow (§2.1). */
import { activityInfo, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { OwnResults } from '../anthropic/own-results.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import type { Cursor, EventBatch } from '../workflows/messages.ts';
import { apiFailure } from './api-failure.ts';
import { createAttemptMemory } from './attempt-memory.ts';
import { laterStamp } from './cursor.ts';
import { keepAlive } from './keep-alive.ts';
import {
  type LeaseEnd,
  LISTENER_DEFAULTS,
  type ListenerOptions,
  runLease,
  type SignalAnswer,
} from './listener.ts';
import { createParkedStreams, type ParkedStreams } from './parked-streams.ts';

export interface ListenInput {
  readonly sessionId: string;
  readonly epoch: number;
  readonly lease: number;
  /** `{ at: null }` reads the whole history; anything else lists from 60 s before it. */
  readonly cursor: Cursor;
  /** Ids folded within the overlap, at most 500; `queued:<id>` for a user event without its stamp. */
  readonly known: readonly string[];
  /** The run has left out calls that stand behind the cursor: they are told again, with all answers. */
  readonly reread?: boolean;
  /** Milliseconds until the lease ends by itself. */
  readonly leaseMs: number;
  /** Signalled events after which it ends. */
  readonly maxEvents: number;
}

export interface ListenResult {
  readonly kind: 'lease-ended' | 'session-ended';
  readonly cursor: Cursor;
}

/** What every heartbeat carries: a bare one would erase it. */
export interface ListenHeartbeat {
  readonly cursor: Cursor;
}

export interface ListenDeps {
  readonly feed: SessionFeed;
  readonly ownResults: OwnResults;
  readonly signal: (workflowId: string, batch: EventBatch) => Promise<SignalAnswer>;
  /** Shared by all leases of a worker; to be closed with it. */
  readonly parked?: ParkedStreams;
  readonly options?: Partial<ListenerOptions>;
}

/** A stream that was of use is opened again this soon (plus up to as much again, to spread many). */
const RECONNECT_MS = 200;

/**
 * Failures: `StreamLost` (retryable) · `ApiRefused` and `SessionNotFound` (final) · `HandedOver` (the worker
 * shuts down; retried at once) · cancellation.
 */
export function createListen(deps: ListenDeps): (input: ListenInput) => Promise<ListenResult> {
  const parked = deps.parked ?? createParkedStreams();
  const memory = createAttemptMemory();
  const options = { ...LISTENER_DEFAULTS, ...deps.options };
  return async function listen(input) {
    const info = activityInfo();
    const workflowId = info.workflowExecution?.workflowId ?? input.sessionId;
    const before = info.heartbeatDetails as ListenHeartbeat | undefined;
    // An earlier attempt of this lease may have got further than the workflow knew when it scheduled it.
    let cursor: Cursor = { at: laterStamp(input.cursor.at, before?.cursor.at ?? null) };
    const details = (): ListenHeartbeat => ({ cursor });
    return keepAlive(async cancelled => {
      const run = info.workflowExecution?.runId ?? '';
      const scheduledAt = info.currentAttemptScheduledTimestampMs;
      const lease = { ...input, cursor, attempt: info.attempt, run, scheduledAt };
      const parts = {
        feed: deps.feed,
        ownResults: deps.ownResults,
        parked,
        memory,
        signal: (batch: EventBatch) => deps.signal(workflowId, batch),
        onCursor: (next: Cursor) => {
          cursor = next;
        },
        options,
      };
      try {
        return resultOf(await runLease(lease, parts, cancelled));
      } finally {
        // A failure carries the last heartbeat to the next attempt: it must say how far we really are.
        heartbeat(details());
      }
    }, details);
  };
}

function resultOf(end: LeaseEnd): ListenResult {
  switch (end.kind) {
    case 'lease-ended':
    case 'session-ended':
      return end;
    case 'failed':
      throw apiFailure(end.failure, 'StreamLost');
    case 'stream-lost':
      // The back-off between attempts is Temporal's, and it grows with the attempt's number, however well a
      // stream did in between. So after a stream that was of use we name the delay ourselves: a busy one that
      // is cut now and then would else be deaf for 10 s each time.
      throw ApplicationFailure.create({
        type: 'StreamLost',
        message: end.reason,
        ...(end.healthy
          ? {
              nextRetryDelay: RECONNECT_MS * (1 + Math.random()),
              category: ApplicationFailureCategory.BENIGN,
            }
          : {}),
      });
    default:
      return end satisfies never;
  }
}
