/** The process that serves the demo's session, and that is killed: Holdfast's worker, or the SDK's runner. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '../child-env.ts';
import { lastWords, startLogged, without } from '../logged-process.ts';
import type { TetheredProcess } from '../tethered-process.ts';
import { FOLDER_VARIABLE } from './effects.ts';
import type { Scene } from './scene.ts';
import type { SdkRunnerInput } from './sdk-runner-main.ts';

export interface Runner {
  /** Starts the process, also again after it was killed. */
  start(): Promise<TetheredProcess>;
  /** The last lines that its processes have written, for an error. */
  lastWords(): Promise<string>;
}

export interface WorkerPlace {
  readonly env: Env;
  /** `host:port` of Temporal, and whether its TEMPORAL_* settings are the user's. */
  readonly temporal: { readonly address: string; readonly namespace: string; readonly isGiven: boolean };
  readonly apiUrl: string;
}

/** `holdfast worker`, as a user would start it. */
export function holdfastRunner(scene: Scene, { env, temporal, apiUrl }: WorkerPlace): Runner {
  return runner(scene, [fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url)), 'worker'], {
    ...without(env, temporal.isGiven ? /^(ANTHROPIC|HOLDFAST)_/ : /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/),
    ANTHROPIC_API_KEY: 'demo',
    ANTHROPIC_BASE_URL: apiUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    HOLDFAST_STATE_DIR: scene.stateDir,
    HOLDFAST_TOOLS: scene.toolsModule,
    HOLDFAST_TOOL_ENV: FOLDER_VARIABLE,
  });
}

export function sdkRunner(scene: Scene, env: Env, input: Omit<SdkRunnerInput, 'folder'>): Runner {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`./sdk-runner-main.${extension}`, import.meta.url));
  const given: SdkRunnerInput = { ...input, folder: scene.folder };
  return runner(scene, [main, JSON.stringify(given)], without(env, /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/));
}

function runner({ folder }: Scene, args: readonly string[], env: Env): Runner {
  const logFile = join(folder, 'runner.log');
  return {
    start: () => startLogged({ args, env: { ...env, [FOLDER_VARIABLE]: folder }, cwd: folder, logFile }),
    lastWords: () => lastWords(logFile),
  };
}
