/** What serves the sessions: Holdfast's worker twice on one state folder, or the SDK's own runner, half of them each. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sessionPaths } from '../../tool-host/paths.ts';
import type { Env } from '../child-env.ts';
import { without } from '../logged-process.ts';
import type { EffectsReader } from './effects.ts';
import { journalStarts } from './journal-starts.ts';
import { MARK, type Scene } from './scene.ts';
import { type SdkRunnerInput, sdkWorkspace } from './sdk-runner.ts';
import type { ChaosTemporal } from './temporal.ts';
import type { WorkersOptions } from './workers.ts';

export interface Served {
  readonly workers: WorkersOptions;
  readonly workspaceOf: (sessionId: string) => string;
  /** How often a call of a user's tool was started, from `effects` where the runner itself notes them. */
  readonly startsOf: (sessionId: string, callId: string, effects: EffectsReader) => number;
}

interface Place {
  /** The tools module that is served. */
  readonly tools: string;
  readonly scene: Scene;
  readonly env: Env;
  readonly apiUrl: string;
}

const READY = 'worker ready';
/** Settings of whoever runs it, but for those of encryption: the chaos is to be had with it as well. */
const SETTINGS = 'ANTHROPIC_|HOLDFAST_(?!(?:ENCRYPT|KEY|OLD_KEYS)$)';

export function servedByHoldfast({ scene, env, apiUrl, tools }: Place, temporal: ChaosTemporal): Served {
  const bin = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));
  const { folder, logs, stateDir } = scene;
  const args = [bin, 'worker'];
  return {
    workers: {
      folder,
      logs,
      args: [args, args],
      readyText: READY,
      env: {
        ...without(env, new RegExp(`^(${SETTINGS}${temporal.isGiven ? '' : '|TEMPORAL_'})`)),
        ANTHROPIC_API_KEY: 'chaos',
        ANTHROPIC_BASE_URL: apiUrl,
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: temporal.namespace,
        HOLDFAST_STATE_DIR: stateDir,
        HOLDFAST_TOOLS: tools,
        HOLDFAST_TOOL_ENV: [MARK, env.HOLDFAST_TOOL_ENV ?? ''].filter(name => name !== '').join(','),
        [MARK]: folder,
      },
    },
    workspaceOf: id => sessionPaths(stateDir, id).workspace,
    startsOf: (sessionId, callId) => journalStarts(stateDir, sessionId, callId),
  };
}

export function servedBySdk({ scene, env, apiUrl, tools }: Place, sessionIds: readonly string[]): Served {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`./sdk-runner-main.${extension}`, import.meta.url));
  const { folder, logs } = scene;
  // Two runners of one session would both run its calls: each has its own half.
  const half = (slot: number): readonly string[] => {
    const mine = sessionIds.filter((_, i) => i % 2 === slot);
    const input: SdkRunnerInput = {
      apiUrl,
      sessionIds: mine,
      folder,
      toolsModule: tools,
      notesStarts: tools !== scene.toolsModule,
      readyText: READY,
    };
    return [main, JSON.stringify(input)];
  };
  return {
    workers: {
      folder,
      logs,
      args: [half(0), half(1)],
      readyText: READY,
      env: { ...without(env, /^(ANTHROPIC|HOLDFAST|TEMPORAL)_/), [MARK]: folder },
    },
    workspaceOf: id => join(folder, sdkWorkspace(id)),
    startsOf: (_, callId, effects) => effects.counts().get(callId) ?? 0,
  };
}
