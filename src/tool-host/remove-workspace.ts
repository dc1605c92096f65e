/** Deleting what a session has left on this machine. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isCode, readJson, removeFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { killAll } from './kill.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { foldersOfMounts } from './memory-rescue.ts';
import { type SessionPaths, sessionPaths, sessionsFolder } from './paths.ts';
import { isAlive } from './processes.ts';
import { END_MS } from './raise-host.ts';
import { noteFor } from './session-notes.ts';
import { sessionGid } from './tool-user.ts';

/**
 * Deletes a session's folder, workspace and journal and all, for good; `why` is kept for its next run's record.
 * @returns false, nothing touched, while its host lives.
 */
export async function removeWorkspace(options: {
  readonly stateDir: string;
  readonly sessionId: string;
  readonly why: string;
}): Promise<boolean> {
  const { stateDir, sessionId, why } = options;
  const paths = sessionPaths(stateDir, sessionId);
  const aside = join(sessionsFolder(stateDir), `.removed-${randomBytes(6).toString('hex')}`);
  const taken = await exclusively(paths.folder, END_MS, () => takeAside(paths, aside));
  if (taken !== 'taken') return taken === 'absent';
  // What a tool left running must not be at work in a tree that is being removed.
  await killAll({ marks: [], gid: await sessionGid({ folder: aside }) }, DEFAULT_LIMITS.killMs);
  await noteFor(paths, `removed the workspace and its journal: ${why}`);
  for (const folder of await foldersOfMounts(join(aside, 'journal'))) await removeTree(folder);
  await removeTree(aside);
  return true;
}

/** At once and whole: a workspace with a million files takes its time, and half a journal must never be seen. */
async function takeAside(paths: SessionPaths, aside: string): Promise<'taken' | 'absent' | 'alive'> {
  const record = await readJson<HostRecord>(paths.hostRecord);
  if (record !== undefined && isAlive(record)) return 'alive';
  await removeFile(paths.socket);
  try {
    await rename(paths.folder, aside);
    return 'taken';
  } catch (error) {
    if (isCode(error, 'ENOENT')) return 'absent';
    throw error;
  }
}

/**
 * Deletes a folder, also one with folders in it that its owner may not write to (Go's module cache is such). Root does
 * it with rm(1), which goes by descriptor: a tool that swaps a folder for a link meanwhile cannot lead it elsewhere.
 */
export async function removeTree(path: string): Promise<void> {
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    await promisify(execFile)('rm', ['-rf', '--', path]);
    return;
  }
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isCode(error, 'EACCES') && !isCode(error, 'EPERM')) throw error;
    await unlock(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await unlock(join(folder, entry.name));
}
