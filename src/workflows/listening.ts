/** Keeps a listener on the session: one lease after the other, while the run lives (§2.1). */
import { isCancellation } from '@temporalio/workflow';
import { listenFor } from './activities.ts';
import type { Run } from './run.ts';

/**
 * Ends when the session has ended, when the run is to continue as new (a lease's end is the quiet moment for
 * it), or when its scope is cancelled. What the API refuses for good ends the run with the reason.
 */
export async function keepListening(run: Run): Promise<void> {
  try {
    while (!run.rotating) {
      const { leaseMs, leaseEvents } = run.options;
      const lease = ++run.lease;
      const result = await listenFor(
        leaseMs,
        lease,
      )({
        ...run.session,
        epoch: run.epoch,
        lease,
        cursor: run.cursor,
        known: run.state.recent.slice(-500),
        ...(run.rereads && !run.state.listed ? { reread: true } : {}),
        leaseMs,
        maxEvents: leaseEvents,
      });
      if (result.kind === 'session-ended') return;
      if (run.isLong(true)) run.rotating = true;
    }
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  } finally {
    run.touch();
  }
}
