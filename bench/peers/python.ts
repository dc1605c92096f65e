/** The official Python runner, in a virtual environment that is made once, in the cache folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makerEnv } from '../../src/dev/child-env.ts';
import { spawnTethered } from '../../src/dev/tethered-process.ts';
import type { Peer, PeerPlace } from './peer.ts';
import { runnerPeer } from './runner-peer.ts';

const MAIN = fileURLToPath(new URL('./python_main.py', import.meta.url));

/** Of the package anthropic. */
export const PYTHON_SDK = '2.12.0';
const STEP_MS = 180_000;

export const python: Peer = {
  name: 'python',
  title: `SDK’s runner (Python ${PYTHON_SDK})`,
  prepare,
  open: async ({ folder, apiUrl, env, cacheDir, signal }) =>
    runnerPeer('python', { folder, signal }, async (sessionIds, logFile) => {
      const log = await open(logFile, 'a');
      try {
        const input = JSON.stringify({ apiUrl, sessionIds, folder });
        return await spawnTethered(interpreterIn(cacheDir), [MAIN, input], {
          env: makerEnv(env),
          cwd: folder,
          output: log.fd,
        });
      } finally {
        await log.close();
      }
    }),
};

function folderIn(cacheDir: string): string {
  return join(cacheDir, 'bench', `python-${PYTHON_SDK}`);
}

function interpreterIn(cacheDir: string): string {
  return join(folderIn(cacheDir), 'bin', 'python');
}

async function prepare({
  env,
  cacheDir,
  signal,
}: Pick<PeerPlace, 'env' | 'cacheDir' | 'signal'>): Promise<string | undefined> {
  const folder = folderIn(cacheDir);
  const done = join(folder, 'installed');
  if (existsSync(done)) return undefined;
  const run = (file: string, ...args: readonly string[]) =>
    promisify(execFile)(file, args, { env: makerEnv(env) as NodeJS.ProcessEnv, timeout: STEP_MS, signal });
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await run('python3', '-m', 'venv', folder);
    await run(interpreterIn(cacheDir), '-m', 'pip', 'install', '--quiet', `anthropic==${PYTHON_SDK}`);
    await writeFile(done, '');
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    return `python3 with pip cannot install anthropic ${PYTHON_SDK}: ${said || (error as Error).message}`;
  }
}
