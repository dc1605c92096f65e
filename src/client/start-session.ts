/** Starts the workflow of a session: what every command and the handle begin with. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { SESSIONS_QUEUE } from '../workflows/activity-options.ts';
import { type Wake, type WorkItem, wakeSignal } from '../workflows/messages.ts';
import { type RunOptions, STANDARD_OPTIONS } from '../workflows/run-input.ts';
import type { runSession } from '../workflows/run-session.ts';

/** A worker that does not answer a workflow task for this long has lost it (design §5). */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

/**
 * Starts the workflow of a session, or wakes the one that runs: calling it twice is harmless, and a run that is
 * about to end looks again. The workflow's id is the session's.
 *
 * @param options limits of the run; absent ones are `STANDARD_OPTIONS`. A run that is joined takes what `Wake` holds.
 * @param work a claimed work item that the run is started for; one that runs is told by `adoptWork`.
 */
export async function startSession(
  client: Client,
  sessionId: string,
  options: Partial<RunOptions> = {},
  work?: WorkItem,
): Promise<WorkflowHandle<typeof runSession> & { readonly signaledRunId: string }> {
  return client.workflow.signalWithStart<typeof runSession, [Wake]>('runSession', {
    workflowId: sessionId,
    taskQueue: SESSIONS_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
    args: [
      {
        sessionId,
        options: { ...STANDARD_OPTIONS, ...options },
        ...(work === undefined ? {} : { work }),
      },
    ],
    signal: wakeSignal,
    signalArgs: [wakeOf(options)],
    staticSummary: `tools of ${sessionId}`,
  });
}

function wakeOf({ maxIdleMs, maxDurationMs, approvalDeadlineMs }: Partial<RunOptions>): Wake {
  return {
    ...(maxIdleMs === undefined ? {} : { maxIdleMs }),
    ...(maxDurationMs === undefined ? {} : { maxDurationMs }),
    ...(approvalDeadlineMs === undefined ? {} : { approvalDeadlineMs }),
  };
}
