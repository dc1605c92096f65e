/**
 * The run's other clocks: approvals that nobody gave in time, and the longest that a run may last. One durable
 * timer at most, lazily re-armed; when it fires, what is due is looked at anew.
 */
import { condition, isCancellation } from '@temporalio/workflow';
import { approvalDue } from './approvals.ts';
import type { Run } from './run.ts';
import { requestStop } from './work-item-keeping.ts';

/** As of a person's stop: what its running calls may still take. */
const STOP_GRACE_MS = 30_000;

export async function watchDeadlines(run: Run): Promise<void> {
  try {
    for (;;) {
      await condition(() => dueAt(run) !== undefined && !run.rotating);
      const due = dueAt(run);
      if (due === undefined) continue;
      const left = due - Date.now();
      if (left > 0) {
        const summary = run.state.stop === undefined ? 'until a deadline' : 'until an approval is overdue';
        await condition(() => (dueAt(run) ?? Number.POSITIVE_INFINITY) < due, left, { summary });
        continue;
      }
      if (isTooLong(run)) {
        run.note('the run has lasted as long as it may');
        requestStop(run, STOP_GRACE_MS, 'max duration');
      } else {
        // The steps deny what is overdue.
        run.touch();
        await condition(() => approvalDue(run) !== due);
      }
    }
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
}

function dueAt(run: Run): number | undefined {
  const times = [approvalDue(run), endsAt(run)].filter(time => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Undefined: never, or it has been stopped for it already. */
function endsAt({ options, state, startedAt }: Run): number | undefined {
  const { maxDurationMs = 0 } = options;
  return maxDurationMs > 0 && state.stop === undefined ? startedAt + maxDurationMs : undefined;
}

function isTooLong(run: Run): boolean {
  const ends = endsAt(run);
  return ends !== undefined && ends <= Date.now();
}
