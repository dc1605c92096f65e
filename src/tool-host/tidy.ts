/** Removing what processes that died in the middle of something have left in a state folder (I11). */
import { readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isCode, removeFile } from './durable-file.ts';
import { runFolder, type SessionPaths, sessionFolders, sessionsFolder } from './paths.ts';
import { removeTree } from './remove-workspace.ts';

/** What is younger may be in the making: nothing is written under a temporary name for that long. */
const OLD_MS = 600_000;
const CONNECT_MS = 1_000;

/** What nobody's session holds: temporary files, sockets without a session, folders that were being removed. */
export async function tidyStateFolder(stateDir: string): Promise<void> {
  for (const folder of [stateDir, join(stateDir, 'workers')]) await removeOldTemporaries(folder);
  for (const name of await namesIn(sessionsFolder(stateDir)))
    if (name.startsWith('.removed-')) await removeTree(join(sessionsFolder(stateDir), name));
  await removeStraySockets(stateDir);
}

/** What a session's dead processes have left. Under the session's lock, and while no host of it lives. */
export async function tidySession(paths: SessionPaths): Promise<void> {
  await removeFile(paths.socket);
  for (const name of await namesIn(paths.folder))
    if (name.startsWith('journal.new-')) await removeTree(join(paths.folder, name));
  const calls = join(paths.journal, 'calls');
  const folders = [paths.folder, paths.journal, ...(await namesIn(calls)).map(name => join(calls, name))];
  for (const folder of folders)
    for (const name of await namesIn(folder)) if (isTemporary(name)) await removeFile(join(folder, name));
}

async function removeOldTemporaries(folder: string): Promise<void> {
  for (const name of (await namesIn(folder)).filter(isTemporary)) {
    const path = join(folder, name);
    const writtenAt = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    // A clock that was set back must not keep it for ever.
    if (Math.abs(Date.now() - writtenAt) > OLD_MS) await rm(path, { force: true });
  }
}

/** Sockets whose session's folder is gone. The sockets are listed first: a folder is made before its socket. */
async function removeStraySockets(stateDir: string): Promise<void> {
  const sockets = (await namesIn(runFolder(stateDir))).filter(name => name.endsWith('.sock'));
  const folders = await sessionFolders(stateDir);
  for (const name of sockets) {
    const hash = name.slice(0, -'.sock'.length);
    const path = join(runFolder(stateDir), name);
    if (!folders.some(folder => folder.endsWith(`-${hash}`)) && (await isDead(path))) await removeFile(path);
  }
}

function isDead(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath);
    const answer = (dead: boolean) => {
      socket.destroy();
      resolve(dead);
    };
    socket.setTimeout(CONNECT_MS, () => answer(false));
    socket.once('connect', () => answer(false));
    socket.once('error', error => answer(isCode(error, 'ECONNREFUSED')));
  });
}

function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
