/**
 * How long a server takes to hand out a task. A stock server looks at a shard's queue 20 times a second (after a burst
 * of as many), so that each step of a call waits for 50 ms; its timers slip to a second, and it starts no activity
 * eagerly (measured).
 *
 * A workflow is played by hand, by plain requests on queues of its own: no worker and no workflow code is needed, it
 * takes one to three seconds, and it is deleted in the end. What a busy machine or a long way adds, it adds to every
 * request: some workflow tasks are had without the queue, for comparison.
 */
import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

export interface DispatchRate {
  /** Median milliseconds from a task's creation to its hand-over by its queue. */
  readonly dispatchMs: number;
  /** The same for a task that is handed over with an answer, past the queue. */
  readonly inlineMs: number;
  /** How much later than asked a short timer fired. */
  readonly timerLateMs: number;
  /** Whether activities on the workflow's own queue are handed out with the answer. */
  readonly eager: boolean;
}

/** Two tasks each; the first ones use up the burst. */
const ROUNDS = 20;
const BURST_ROUNDS = 12;
const TIMER_MS = 10;
/** For one task: a stock server needs a second for a timer. */
const TASK_MS = 5_000;

/** CommandType and TaskQueueKind of temporal/api/enums/v1: the numbers are the wire's. */
const SCHEDULE_ACTIVITY = 1;
const START_TIMER = 3;

/** Rejects where it cannot be measured. */
export async function measureDispatch(connection: Connection, namespace: string): Promise<DispatchRate> {
  const { workflowService: service } = connection;
  const id = `holdfast-doctor-${randomUUID()}`;
  const identity = 'holdfast doctor';
  const workflows = { name: id };
  const activities = { name: `${id}-activities` };
  const soon = <T>(request: () => Promise<T>) => connection.withDeadline(Date.now() + TASK_MS, request);
  const times: number[] = [];
  const inline: number[] = [];

  /** The task that `create` brings about, and how many ms after that it was had. */
  const handedOver = async <T extends { taskToken?: Uint8Array | null }>(
    poll: () => Promise<T>,
    create: () => Promise<unknown>,
  ): Promise<{ readonly task: T; readonly ms: number }> => {
    const polled = soon(poll);
    // Who fails first is told; the other must not end the process.
    polled.catch(() => {});
    const from = performance.now();
    await soon(create);
    const task = await polled;
    if ((task.taskToken?.length ?? 0) === 0) throw new Error('the server handed out no task');
    return { task, ms: performance.now() - from };
  };
  const workflowTask = () => service.pollWorkflowTaskQueue({ namespace, taskQueue: workflows, identity });
  const activityTask = () => service.pollActivityTaskQueue({ namespace, taskQueue: activities, identity });
  const schedule = (activityId: string, taskQueue: { name: string }, requestEagerExecution: boolean) => ({
    commandType: SCHEDULE_ACTIVITY,
    scheduleActivityTaskCommandAttributes: {
      ...{ activityId, taskQueue, requestEagerExecution, activityType: { name: 'measure' } },
      ...{ startToCloseTimeout: msToTs(TASK_MS), scheduleToCloseTimeout: msToTs(2 * TASK_MS) },
    },
  });

  try {
    const begun = await handedOver(workflowTask, () =>
      service.startWorkflowExecution({
        ...{
          namespace,
          workflowId: id,
          workflowType: { name: 'holdfast-doctor' },
          taskQueue: workflows,
          identity,
        },
        ...{
          requestId: randomUUID(),
          workflowExecutionTimeout: msToTs(60_000),
          workflowTaskTimeout: msToTs(TASK_MS),
        },
      }),
    );
    let { taskToken } = begun.task;
    for (let round = 0; round < ROUNDS; round++) {
      const token = taskToken;
      const from = performance.now();
      const { workflowTask: next } = await soon(() =>
        service.respondWorkflowTaskCompleted({
          ...{
            namespace,
            identity,
            taskToken: token,
            returnNewWorkflowTask: true,
            forceCreateNewWorkflowTask: true,
          },
        }),
      );
      const between = performance.now();
      const commands = [schedule(`${round}`, activities, false)];
      const activity = await handedOver(activityTask, () =>
        service.respondWorkflowTaskCompleted({
          namespace,
          identity,
          taskToken: next?.taskToken ?? null,
          commands,
        }),
      );
      const done = await handedOver(workflowTask, () =>
        service.respondActivityTaskCompleted({ namespace, identity, taskToken: activity.task.taskToken }),
      );
      if (round >= BURST_ROUNDS) {
        inline.push(between - from);
        times.push((activity.ms + done.ms) / 2);
      }
      ({ taskToken } = done.task);
    }
    const startToFireTimeout = msToTs(TIMER_MS);
    const timer = await handedOver(workflowTask, () =>
      service.respondWorkflowTaskCompleted({
        ...{ namespace, identity, taskToken },
        commands: [
          { commandType: START_TIMER, startTimerCommandAttributes: { timerId: 't', startToFireTimeout } },
        ],
      }),
    );
    const answer = await soon(() =>
      service.respondWorkflowTaskCompleted({
        ...{ namespace, identity, taskToken: timer.task.taskToken },
        commands: [schedule('eager', workflows, true)],
      }),
    );
    return {
      dispatchMs: median(times),
      inlineMs: median(inline),
      timerLateMs: Math.max(0, timer.ms - median(times) - TIMER_MS),
      eager: (answer.activityTasks ?? []).length > 0,
    };
  } finally {
    await leaveNothing(connection, namespace, id);
  }
}

/** A run that is still open is ended by its deletion. Terminated before, its row in the list may outlive it. */
async function leaveNothing(connection: Connection, namespace: string, workflowId: string): Promise<void> {
  const { workflowService: service } = connection;
  const workflowExecution = { workflowId };
  const soon = (request: () => Promise<unknown>) => connection.withDeadline(Date.now() + TASK_MS, request);
  await soon(() => service.deleteWorkflowExecution({ namespace, workflowExecution })).catch(() =>
    // Where it may not be deleted it goes with its retention.
    soon(() =>
      service.terminateWorkflowExecution({ namespace, workflowExecution, reason: 'measured' }),
    ).catch(() => {}),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
