/** The activity that posts results; retried by Temporal for as long as the session lives (§2.5, I5). */
import { activityInfo, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Delivery, DeliveryProgress, Disposition } from '../anthropic/delivery.ts';
import { type DeliveryJob, type DeliveryParts, deliver, NO_PROGRESS } from '../anthropic/post.ts';
import type { PostItem } from '../anthropic/read-back.ts';
import { keepAlive } from './keep-alive.ts';

export type { Disposition } from '../anthropic/delivery.ts';
export type { PostItem } from '../anthropic/read-back.ts';

export interface PostResultsInput {
  readonly sessionId: string;
  readonly results: readonly PostItem[];
}

const FAILURES = { unavailable: 'ApiUnavailable', unauthorized: 'ApiUnauthorized', pending: 'ResultPending' };

/**
 * Returns one disposition per result, in their order. All failures are retryable: `ApiUnavailable`,
 * `ApiUnauthorized` (401, 403), `ResultPending` (refused, not clear yet why), `HandedOver`, cancellation.
 */
export function createPostResults(deps: DeliveryParts): (input: PostResultsInput) => Promise<Disposition[]> {
  return async function postResults({ sessionId, results }) {
    return keepDelivering(told => deliver(deps, { sessionId, items: results, ...told }));
  };
}

/**
 * The Temporal side of every activity that delivers: resumes from the last heartbeat's progress, heartbeats it
 * while `work` runs, and turns `again` into a failure that Temporal retries.
 */
export async function keepDelivering(
  work: (
    told: Pick<DeliveryJob, 'progress' | 'onProgress' | 'now'> & { signal: AbortSignal },
  ) => Promise<Delivery>,
): Promise<Disposition[]> {
  // The server's stamp, as `firstSeenAt` is: no two workers need agree on the time.
  const now = activityInfo().currentAttemptScheduledTimestampMs;
  let progress = (activityInfo().heartbeatDetails as DeliveryProgress | undefined) ?? NO_PROGRESS;
  const onProgress = (next: DeliveryProgress) => {
    progress = next;
    // At once: what fails next carries it to the next attempt.
    heartbeat(next);
  };
  const delivery = await keepAlive(
    signal => work({ progress, onProgress, now, signal }),
    () => progress,
  );
  if (delivery.kind === 'settled') return delivery.dispositions;
  throw ApplicationFailure.create({
    type: FAILURES[delivery.why],
    message: delivery.reason,
    ...(delivery.retryAfterMs === undefined ? {} : { nextRetryDelay: delivery.retryAfterMs }),
  });
}
