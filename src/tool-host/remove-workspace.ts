/** Deleting what a session has left on this machine. */
import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode, readJson, removeFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { removeMounts } from './memory-rescue.ts';
import { type SessionPaths, sessionPaths, sessionsFolder } from './paths.ts';
import { isAlive } from './processes.ts';
import { END_MS } from './raise-host.ts';
import { noteFor } from './session-notes.ts';

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
  await noteFor(paths, `removed the workspace and its journal: ${why}`);
  await removeMounts(join(aside, 'journal'));
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

/** Deletes a folder, also one with folders in it that its owner may not write to (Go's module cache is such). */
export async function removeTree(path: string): Promise<void> {
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
