/** Heartbeats while an activity waits. */
import { Context } from '@temporalio/activity';
import { cancellationFailure } from './cancellation.ts';

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
  // None at once: it would be a write of the server beside those of every short activity.
  const timer = setInterval(() => context.heartbeat(details()), BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    throw cancellationFailure(error);
  } finally {
    clearInterval(timer);
  }
}
