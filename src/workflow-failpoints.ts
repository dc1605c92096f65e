/** What a worker needs to hold its workflows at failpoints, their sources among it; undefined where they are off. */
import type { InjectedSinks, WorkerOptions } from '@temporalio/worker';
import { failpoint, failpointFolder } from './failpoint.ts';
import { workflowSource, workflowSources } from './workflow-bundle.ts';
import type { FailpointSinks } from './workflows/failpoints.ts';

type Needed = Pick<WorkerOptions, 'sinks' | 'interceptors' | 'workflowsPath'>;

export function workflowFailpoints(): Needed | undefined {
  if (failpointFolder() === undefined) return undefined;
  const { workflowsPath, workflowInterceptorModules } = workflowSources();
  const sinks: InjectedSinks<FailpointSinks> = {
    failpoints: { reach: { fn: (info, name) => failpoint(name, info.workflowId), callDuringReplay: true } },
  };
  return {
    sinks,
    workflowsPath,
    interceptors: { workflowModules: [...workflowInterceptorModules, workflowSource('failpoints')] },
  };
}
