/** The folder of one run and what is in it; nothing of a run lives anywhere else. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAll } from '../../tool-host/kill.ts';
import { sweepHosts } from '../../tool-host/sweep.ts';
import { effectsFile } from './effects.ts';

/** Marks every process that a run has started. */
export const MARK = 'CHAOS_FOLDER';

export interface Scene {
  readonly folder: string;
  readonly stateDir: string;
  readonly logs: string;
  readonly toolsModule: string;
  /** Ends every process of the run that still lives. */
  endProcesses(): Promise<void>;
  remove(): Promise<void>;
}

const KILL_MS = 5_000;

export async function openScene(): Promise<Scene> {
  // A short name: Unix sockets live below it, whose paths hold about 100 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'hf-chaos-'));
  const stateDir = join(folder, 's');
  const logs = join(folder, 'logs');
  const toolsModule = join(folder, 'tools.mjs');
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { href } = new URL(`./tools.${extension}`, import.meta.url);
  await mkdir(logs);
  await writeFile(
    toolsModule,
    `import { chaosTools } from ${JSON.stringify(href)};\n\n` +
      `export default { tools: chaosTools(${JSON.stringify(effectsFile(folder))}) };\n`,
  );
  return {
    folder,
    stateDir,
    logs,
    toolsModule,
    endProcesses: async () => {
      // Tool hosts do not carry the mark: they get nothing of their worker's environment.
      await sweepHosts({ stateDir, isWanted: async () => false }).catch(() => {});
      await killAll({ marks: [`${MARK}=${folder}`] }, KILL_MS);
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
