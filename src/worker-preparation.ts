/** What must be right before a worker polls anything: an unusable setting must not fail calls one by one. */
import type { Config } from './config.ts';
import { ServedTools } from './served-tools.ts';
import { describeTools } from './tool-host/describe.ts';
import { checkStateDir } from './tool-host/paths.ts';
import { isolateTools } from './tool-isolation.ts';
import { credentialProblem } from './worker-api.ts';
import { WorkerError } from './worker-error.ts';

const NOTHING = new ServedTools({ kind: 'described', tools: [], moduleHash: '', mcpLists: {} });

/** What can be told at once. @throws WorkerError for a missing credential or an unusable state folder. */
export async function checkSettings(config: Config): Promise<void> {
  const credential = credentialProblem(config);
  if (credential !== undefined) throw new WorkerError(credential, true);
  const folder = await checkStateDir(config.stateDir);
  if (folder.kind === 'unusable') throw new WorkerError(folder.message, true);
}

/**
 * @param pinned whether the module's files are kept as they are now, until an edit that is right.
 * @returns what is served, and whom it runs as.
 * @throws WorkerError with what is wrong and what to do.
 */
export async function prepareWorker(config: Config, servesTools: boolean, pinned: boolean) {
  await checkSettings(config);
  // Other roles need neither root nor the tool user, and must not run the module without it.
  if (config.toolUser !== undefined && !servesTools)
    return { served: NOTHING, toolUser: undefined, toolEnv: {} };
  const isolated = await isolateTools(config);
  if (isolated.kind === 'unusable') throw new WorkerError(isolated.problem, true);
  const { toolUser, toolEnv } = isolated;
  const { toolsModule, toolCommand } = config;
  const described = await describeTools({ toolsModule, toolUser, toolEnv, toolCommand, source: pinned });
  if (described.kind === 'broken') throw new WorkerError(described.message, true);
  return { served: new ServedTools(described), toolUser, toolEnv };
}
