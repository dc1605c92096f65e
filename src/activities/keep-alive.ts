/** Heartbeats while an activity waits. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

/** Often enough for the heartbeat timeout of 3 s (design §5); the SDK coalesces what is more. */
const BEAT_MS = 1_000;

/**
 * Runs `work`, heartbeating once a second with what `details` says then: a bare heartbeat would erase the
 * details of the last one (temporal.md §0.7).
 *
 * A cancelled wait lets go at once (§2.4: it never stops a tool).
 */
export async function keepAlive<T>(
  work: (signal: AbortSignal) => Promise<T>,
  details: () => unknown = () => null,
): Promise<T> {
  const context = Context.current();
  const beat = () => context.heartbeat(details());
  beat();
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    throw context.cancellationDetails?.workerShutdown ? handOver() : error;
  } finally {
    clearInterval(timer);
  }
}

/** The failure of an attempt whose worker goes away: the next one starts after 1 ms; 0 would be final (§5). */
export function handOver(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'HandedOver',
    message: 'the worker shuts down; another attempt goes on',
    nextRetryDelay: 1,
    category: 'BENIGN',
  });
}
