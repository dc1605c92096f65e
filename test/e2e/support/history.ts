/** A session's workflow history, cut down to what a person sees of it in the Temporal UI. */
import { type Client, defaultPayloadConverter, type WorkflowHandle } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { keyIdOf } from '../../../src/payload-codec.ts';
import { isReadAhead } from '../../../src/workflows/read-ahead.ts';

type RawEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
type RawPayload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

export interface History {
  readonly signals: readonly { readonly name: string; readonly args: readonly unknown[] }[];
  readonly activities: readonly Activity[];
  readonly timers: readonly Timer[];
  /** Those of the idle watchdog. */
  readonly countdowns: readonly Timer[];
  /** Attempts at a workflow task that ended in a failure of ours; one overtaken by an event is none. */
  readonly failedTasks: readonly string[];
  readonly events: readonly RawEvent[];
}

export interface Timer {
  readonly ms: number;
  readonly summary: string;
}

/** Times in milliseconds; 0 where none is set. */
export interface Activity {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly summary: string;
  readonly startToCloseMs: number;
  readonly heartbeatMs: number;
  readonly maximumAttempts: number;
  readonly retryIntervalMs: number;
}

/** The runs of a workflow id, oldest first: a session that went idle and came back, or continued as new. */
export async function runIdsOf(client: Client, id: string): Promise<string[]> {
  const runs: { readonly runId: string; readonly at: number }[] = [];
  for await (const { runId, startTime } of client.workflow.list({ query: `WorkflowId = '${id}'` }))
    runs.push({ runId, at: startTime.getTime() });
  return runs.sort((a, b) => a.at - b.at).map(run => run.runId);
}

/** @param runId of a run; the newest by default. */
export async function historyOf(client: Client, id: string, runId?: string): Promise<History> {
  const { events } = await client.workflow.getHandle(id, runId).fetchHistory();
  const all = events ?? [];
  const timers = all.flatMap(event => {
    const timer = event.timerStartedEventAttributes;
    return timer ? [{ ms: tsToMs(timer.startToFireTimeout), summary: summaryOf(event) }] : [];
  });
  return {
    events: all,
    signals: all.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal ? [{ name: signal.signalName ?? '', args: (signal.input?.payloads ?? []).map(decode) }] : [],
    ),
    activities: all.flatMap(activityOf),
    timers,
    countdowns: timers.filter(({ summary }) => summary.includes('next turn')),
    failedTasks: all.flatMap(({ workflowTaskFailedEventAttributes: failed }) => {
      if (!failed || NO_FAULTS.includes(failed.cause ?? 0)) return [];
      const said = failed.failure?.message ?? String(failed.cause);
      return isReadAhead(said) ? [] : [said];
    }),
  };
}

/**
 * WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND: a signal came while the task was worked on; it is done again.
 * WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND: the run was terminated or reset meanwhile.
 * WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW: a person reset the run to this task.
 */
const NO_FAULTS: readonly number[] = [1, 17, 20];

function activityOf(event: RawEvent): Activity[] {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (!scheduled) return [];
  return [
    {
      id: scheduled.activityId ?? '',
      type: scheduled.activityType?.name ?? '',
      queue: scheduled.taskQueue?.name ?? '',
      summary: summaryOf(event),
      startToCloseMs: tsToMs(scheduled.startToCloseTimeout),
      heartbeatMs: tsToMs(scheduled.heartbeatTimeout),
      maximumAttempts: scheduled.retryPolicy?.maximumAttempts ?? 0,
      retryIntervalMs: tsToMs(scheduled.retryPolicy?.initialInterval),
    },
  ];
}

function summaryOf({ userMetadata }: RawEvent): string {
  return userMetadata?.summary ? String(decode(userMetadata.summary)) : '';
}

function decode(payload: RawPayload): unknown {
  if (keyIdOf(payload) !== undefined) return '(encrypted)';
  return defaultPayloadConverter.fromPayload(payload);
}
