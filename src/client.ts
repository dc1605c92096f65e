/** For backends: start a session's workflow, and read or stop it. */
import {
  ApplicationFailure,
  type Client,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { SESSIONS_QUEUE } from './workflows/activity-options.ts';
import { type SessionSummary, type Wake, wakeSignal } from './workflows/messages.ts';
import type { RunOptions } from './workflows/run-input.ts';
import type { runSession } from './workflows/run-session.ts';

/** A worker that does not answer a workflow task for this long has lost it (design §5). */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

/**
 * Starts the workflow of a session, or wakes the one that runs: calling it twice is harmless, and a run that is
 * about to end looks again. The workflow's id is the session's.
 *
 * @param options limits of the run; absent ones are `DEFAULT_OPTIONS`. A run that is joined takes `maxIdleMs`.
 */
export async function startSession(
  client: Client,
  sessionId: string,
  options: Partial<RunOptions> = {},
): Promise<WorkflowHandle<typeof runSession>> {
  const { maxIdleMs } = options;
  return client.workflow.signalWithStart<typeof runSession, [Wake]>('runSession', {
    workflowId: sessionId,
    taskQueue: SESSIONS_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
    args: [{ sessionId, options }],
    signal: wakeSignal,
    signalArgs: [maxIdleMs === undefined ? {} : { maxIdleMs }],
    staticSummary: `tools of ${sessionId}`,
  });
}

/** The summary of a run, also of one that failed; undefined when it has none (terminated by hand, say). */
export async function summaryOfRun(handle: WorkflowHandle<typeof runSession>): Promise<SessionSummary> {
  try {
    return await handle.result();
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    const summary = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
    if (isSummary(summary)) return summary;
    throw error;
  }
}

function isSummary(value: unknown): value is SessionSummary {
  return typeof value === 'object' && value !== null && 'session' in value && 'calls' in value;
}
