/**
 * One worker at a time, also among processes, and free again the moment its holder dies. On Linux an abstract Unix
 * socket is exactly that; elsewhere a lock file that names its owner, taken away from a dead one.
 */
import { link, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCode, readJson, removeFile } from './durable-file.ts';
import { shortHash } from './paths.ts';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';

type Release = () => Promise<void>;

const POLL_MS = 15;
let attempts = 0;

/**
 * Runs `work` while nobody else runs work on `path`. @param path what is locked; a lock file may appear beside it.
 * @param waitMs how long to wait for another holder; then it rejects.
 */
export async function exclusively<T>(
  path: string,
  waitMs: number,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    const release = await (process.platform === 'linux' ? bind(path) : lockFile(path));
    if (release !== undefined) {
      try {
        return await work();
      } finally {
        await release();
      }
    }
    if (performance.now() > deadline) {
      throw new Error(`another worker has been busy with ${path} for ${waitMs} ms; try again later`);
    }
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function bind(path: string): Promise<Release | undefined> {
  const server = createServer();
  const bound = await new Promise<Server | undefined>((resolve, reject) => {
    server.once('error', error => (isCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error)));
    server.listen({ path: `\0holdfast-${shortHash(path)}`, exclusive: true }, () => resolve(server));
  });
  return bound && (() => new Promise(resolve => bound.close(() => resolve())));
}

async function lockFile(path: string): Promise<Release | undefined> {
  const lock = `${path}.lock`;
  attempts += 1;
  const own = `${lock}.${process.pid}-${attempts}`;
  await writeFile(own, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    await link(own, lock);
    return () => removeFile(lock);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    await takeFromTheDead(lock, own);
    return undefined;
  } finally {
    await removeFile(own);
  }
}

async function takeFromTheDead(lock: string, own: string): Promise<void> {
  const owner = await readJson<ProcessIdentity>(lock);
  if (owner !== undefined && isAlive(owner)) return;
  const aside = `${own}.aside`;
  await rename(lock, aside).catch(() => {});
  const taken = await readJson<ProcessIdentity>(aside);
  // Between our look and our rename another may have taken it: then it is put back.
  if (taken !== undefined && isAlive(taken)) await link(aside, lock).catch(() => {});
  await removeFile(aside);
}
