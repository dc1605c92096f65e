/**
 * The failpoints of a workflow task: a worker loads this module only where failpoints are on. Nothing of it is in
 * a history: a sink is called after an activation, and while it holds, the activation's commands are not sent.
 */
import { proxySinks, type Sinks, type WorkflowInterceptors, workflowInfo } from '@temporalio/workflow';
import type { Failpoint } from '../failpoints.ts';
import type { RunSessionInput } from './run-input.ts';

export interface FailpointSinks extends Sinks {
  readonly failpoints: { reach(name: Failpoint): void };
}

const { failpoints } = proxySinks<FailpointSinks>();

const BEFORE: Readonly<Record<string, Failpoint>> = {
  runTool: 'call.unscheduled',
  postResults: 'post.unscheduled',
  postStored: 'post.unscheduled',
  readTail: 'idle.fired',
};

export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute(input, next) {
          const { carried } = input.args[0] as RunSessionInput;
          if (workflowInfo().unsafe.isReplaying) failpoints.reach('workflow.replaying');
          else if (carried !== undefined) failpoints.reach('continue.begun');
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity(input, next) {
          reachAnew(BEFORE[input.activityType]);
          return next(input);
        },
        continueAsNew(input, next) {
          reachAnew('continue.unsent');
          return next(input);
        },
      },
    ],
  };
}

/** In a replay these steps are long done. */
function reachAnew(name: Failpoint | undefined): void {
  if (name !== undefined && !workflowInfo().unsafe.isReplaying) failpoints.reach(name);
}
