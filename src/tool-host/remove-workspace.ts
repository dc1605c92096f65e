/** Deleting what a session has left on this machine. */
import { rm } from 'node:fs/promises';
import { readJson, removeFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { type SessionPaths, sessionPaths } from './paths.ts';
import { isAlive } from './processes.ts';
import { END_MS } from './raise-host.ts';

/**
 * Deletes a session's folder, workspace and journal and all, for good.
 * @returns false, nothing touched, while its host lives.
 */
export async function removeWorkspace(options: {
  readonly stateDir: string;
  readonly sessionId: string;
}): Promise<boolean> {
  const paths = sessionPaths(options.stateDir, options.sessionId);
  return exclusively(paths.folder, END_MS, async () => {
    const record = await readJson<HostRecord>(paths.hostRecord);
    if (record !== undefined && isAlive(record)) return false;
    await removeTraces(paths);
    return true;
  });
}

async function removeTraces(paths: SessionPaths): Promise<void> {
  // The journal first: should we die in between, what is left is taken for lost, never for whole.
  await rm(paths.journal, { recursive: true, force: true });
  await rm(paths.folder, { recursive: true, force: true });
  await removeFile(paths.socket);
}
