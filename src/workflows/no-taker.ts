/** How a lost host shows: nobody polls its queues (§4, A lost host). */
import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import type { RunToolProgress } from '../activities/run-tool.ts';

/** Whether an activity waited in its queue until its schedule-to-start timeout. */
export function foundNoTaker(error: unknown): boolean {
  return timeoutOf(error) !== undefined;
}

/** Whether an earlier attempt of that `runTool` may have reached its tool host, as its heartbeats tell (I4). */
export function hadReachedItsHost(error: unknown): boolean {
  const progress = timeoutOf(error)?.lastHeartbeatDetails as RunToolProgress | null | undefined;
  return progress?.touched === true;
}

function timeoutOf(error: unknown): TimeoutFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START' ? cause : undefined;
}
