/** What a worker needs to hold its workflows at failpoints; nothing where they are off. */
import { fileURLToPath } from 'node:url';
import type { InjectedSinks, WorkerOptions } from '@temporalio/worker';
import { failpoint, failpointFolder } from './failpoint.ts';
import type { FailpointSinks } from './workflows/failpoints.ts';

export function workflowFailpoints(): Pick<WorkerOptions, 'sinks' | 'interceptors'> {
  if (failpointFolder() === undefined) return {};
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const module = fileURLToPath(new URL(`./workflows/failpoints.${extension}`, import.meta.url));
  const sinks: InjectedSinks<FailpointSinks> = {
    failpoints: { reach: { fn: (info, name) => failpoint(name, info.workflowId), callDuringReplay: true } },
  };
  return { sinks, interceptors: { workflowModules: [module] } };
}
