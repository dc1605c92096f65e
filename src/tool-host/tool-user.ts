/**
 * `HOLDFAST_TOOL_USER`: the user that tools run as. The tool host itself stays the worker's, so that journal, sockets
 * and the token of memory stores are out of the tools' reach; what runs a tool is a process of the tool user.
 *
 * All sessions share the user. Unless a group was named, each has a group of its own: the kernel lets no process look
 * into another one (/proc, ptrace) whose group differs, and a session's folder is open to its group only.
 */
import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type SessionPaths, shortHash } from './paths.ts';

export interface ToolUser {
  readonly uid: number;
  /** The group of all sessions; undefined: each has its own. */
  readonly gid: number | undefined;
}

/** Whom a process belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Group ids that no distribution, container engine or systemd hands out: 0x70000000 to 0x7fffffff. */
export const FIRST_SESSION_GID = 0x7000_0000;
export const LAST_SESSION_GID = 0x7fff_ffff;

/** The same for a session on every start, so nothing needs to be recorded or given back. */
export function ownerOf(user: ToolUser, sessionId: string): Owner {
  const own = FIRST_SESSION_GID + Number.parseInt(shortHash(sessionId).slice(0, 7), 16);
  return { uid: user.uid, gid: user.gid ?? own };
}

/** Tells one way of running tools from another; empty where they run as the worker does. */
export function isolationMark(owner: Owner | undefined, commandPrefix: readonly string[]): string {
  return owner === undefined && commandPrefix.length === 0
    ? ''
    : shortHash(JSON.stringify([owner?.uid, owner?.gid, commandPrefix]));
}

/** The group that belongs to this session alone, as it was when its folder was last opened. */
export async function sessionGid(paths: Pick<SessionPaths, 'folder'>): Promise<number | undefined> {
  const gid = (await stat(paths.folder).catch(() => undefined))?.gid ?? 0;
  return hasOwnGroup({ gid }) ? gid : undefined;
}

/** Whether the owner's group is the session's alone, and not one that was named for all. */
export function hasOwnGroup({ gid }: Pick<Owner, 'gid'>): boolean {
  return gid >= FIRST_SESSION_GID && gid <= LAST_SESSION_GID;
}

/**
 * A home of the session's own: what one session's tools leave in a home that they share (`.gitconfig`, `.npmrc`) is
 * obeyed by programs of all others.
 */
export function homeOf(paths: SessionPaths, owner: Owner | undefined): { HOME?: string } {
  return owner !== undefined && hasOwnGroup(owner) ? { HOME: paths.home } : {};
}

/**
 * Makes the workspace, for its owner only. Files that an earlier user of the workspace made change hands with it; to
 * be called while no process of the session lives.
 */
export async function makeWorkspace(paths: SessionPaths, owner: Owner | undefined): Promise<void> {
  const { folder, workspace, home } = paths;
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const us = process.getuid?.();
  if (owner !== undefined) {
    await give(workspace, owner);
    if (hasOwnGroup(owner)) await give(home, owner);
    await chown(folder, us ?? 0, owner.gid);
    await chmod(folder, 0o710);
  } else if (us === 0 && (await lstat(workspace)).uid !== 0) {
    // Only root can have given it away. Its files stay as they are: root may use them, the next tool user gets them.
    await chmod(folder, 0o700);
    await chown(workspace, 0, 0);
  }
}

async function give(path: string, owner: Owner): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const now = await lstat(path);
  if (!now.isDirectory()) throw new Error(`${path} is no folder: remove it`);
  if (now.uid !== owner.uid || now.gid !== owner.gid) await giveAll(path, owner);
  await chmod(path, 0o700);
}

/** GNU chown goes from folder to folder by descriptor: no path that a tool made leads it astray. */
async function giveAll(path: string, { uid, gid }: Owner): Promise<void> {
  await promisify(execFile)('chown', ['-hR', `${uid}:${gid}`, '--', path]);
}
