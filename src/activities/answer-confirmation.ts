/** The activity that tells the API what was decided about a held call; retried while the session lives (§5). */
import { activityInfo, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { type Confirmation, type ConfirmationJob, confirm } from '../anthropic/confirm.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import { keepAlive } from './keep-alive.ts';

/** What of the job the workflow knows; the rest is an attempt's. */
export type AnswerConfirmationInput = Omit<ConfirmationJob, 'refusedSince' | 'now' | 'signal'>;

export type AnswerConfirmationResult = Exclude<Confirmation, { kind: 'again' }>;

export interface ConfirmationDeps {
  readonly feed: SessionFeed;
  /** Milliseconds since its first refusal during which a verdict is tried again (60,000). */
  readonly refusedMs?: number;
}

/** What a later attempt needs to know of an earlier one. */
interface Progress {
  readonly refusedSince?: number;
}

const FAILURES = {
  unavailable: 'ApiUnavailable',
  unauthorized: 'ApiUnauthorized',
  pending: 'ConfirmationPending',
};

/**
 * Failures, all retryable: `ApiUnavailable`, `ApiUnauthorized` (401, 403), `ConfirmationPending` (refused, not
 * clear yet why), `HandedOver`, cancellation.
 */
export function createAnswerConfirmation({ feed, ...options }: ConfirmationDeps) {
  return async function answerConfirmation(
    input: AnswerConfirmationInput,
  ): Promise<AnswerConfirmationResult> {
    let progress = (activityInfo().heartbeatDetails as Progress | null | undefined) ?? {};
    // The server's stamp, as `firstSeenAt` is: no two workers need agree on the time.
    const now = activityInfo().currentAttemptScheduledTimestampMs;
    const came = await keepAlive(
      signal => confirm(feed, { ...input, ...progress, now, signal }, options),
      () => progress,
    );
    if (came.kind !== 'again') return came;
    if (came.refusedSince !== undefined) progress = { refusedSince: came.refusedSince };
    heartbeat(progress);
    throw ApplicationFailure.create({
      type: FAILURES[came.why],
      message: came.reason,
      ...(came.retryAfterMs === undefined ? {} : { nextRetryDelay: came.retryAfterMs }),
    });
  };
}
