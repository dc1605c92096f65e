/** An activity's surroundings without a server: what it heartbeats and how it is cancelled. */
import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

export interface Surroundings {
  run<In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out>;
  /** What was heartbeaten, oldest first. */
  readonly heartbeats: unknown[];
  shutDown(): void;
}

export function activityEnvironment(heartbeatDetails?: unknown): Surroundings {
  const env = new MockActivityEnvironment(
    {
      heartbeatDetails,
      scheduledTimestampMs: Date.now(),
      currentAttemptScheduledTimestampMs: Date.now(),
      workflowExecution: { workflowId: 'sesn_workflow', runId: 'run_now' },
    },
    { logger: new DefaultLogger('ERROR') },
  );
  const heartbeats: unknown[] = [];
  env.on('heartbeat', details => heartbeats.push(JSON.parse(JSON.stringify(details))));
  return {
    run: (activity, input) => env.run(activity, input),
    heartbeats,
    shutDown: () => env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true })),
  };
}
