/** The demo's folder and what is in it; nothing of a demo lives anywhere else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAll } from '../../tool-host/kill.ts';
import { sweepHosts } from '../../tool-host/sweep.ts';
import { effectsFile, FOLDER_VARIABLE } from './effects.ts';

export interface Scene {
  readonly folder: string;
  readonly stateDir: string;
  readonly toolsModule: string;
  /** Ends every process of the demo that still lives, tool hosts first, and removes the folder. */
  close(): Promise<void>;
}

const KILL_MS = 5_000;

export async function openScene(): Promise<Scene> {
  // A short name: Unix sockets live below it, whose paths hold about 100 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'hf-demo-'));
  const stateDir = join(folder, 's');
  const toolsModule = join(folder, 'tools.mjs');
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { href } = new URL(`./tools.${extension}`, import.meta.url);
  await writeFile(
    toolsModule,
    `import { demoTools } from ${JSON.stringify(href)};\n\n` +
      `export default { tools: demoTools(${JSON.stringify(effectsFile(folder))}) };\n`,
  );
  return {
    folder,
    stateDir,
    toolsModule,
    close: async () => {
      await sweepHosts({ stateDir, isWanted: async () => false }).catch(() => {});
      await killAll({ marks: [`${FOLDER_VARIABLE}=${folder}`] }, KILL_MS);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
