/**
 * Where everything of a state folder stands. Session and call ids are opaque and may be hostile (`../x`, 300
 * characters): a folder is named by a readable prefix and a hash, never by the id itself.
 *
 *   host-id                          this machine's id in this state folder
 *   run/<hash>.sock                  a session's socket, named by a hash because a socket path is short
 *   sessions/<name>/workspace/       the session's working directory
 *   sessions/<name>/home/            HOME of its tools, where they run as another user
 *   sessions/<name>/journal/         incarnation.json and calls/<name>/{started.json,output.log,outcome.json}
 *   sessions/<name>/host.{json,log}  the process that serves it
 *   sessions/<name>/session.json     whose it is; unused.json since when nobody uses it
 *   notes/<hash>.jsonl               what was done to a session outside its runs
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorText } from '../error-text.ts';

export interface SessionPaths {
  readonly folder: string;
  readonly workspace: string;
  /** The home of tools that share their user with those of other sessions. */
  readonly home: string;
  readonly journal: string;
  readonly hostRecord: string;
  readonly hostLog: string;
  /** Process groups that the host has started. */
  readonly groups: string;
  readonly socket: string;
  /** The session's id and the Temporal namespace that its workflow runs in. */
  readonly owner: string;
  /** Since when no run of the session uses its files. */
  readonly unused: string;
  readonly notes: string;
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

export function sessionsFolder(stateDir: string): string {
  return join(stateDir, 'sessions');
}

/** The folders of all sessions that have files here. */
export async function sessionFolders(stateDir: string): Promise<string[]> {
  const entries = await readdir(sessionsFolder(stateDir), { withFileTypes: true }).catch(() => []);
  return entries.flatMap(entry =>
    // What begins with a dot is on its way out.
    entry.isDirectory() && !entry.name.startsWith('.') ? [join(sessionsFolder(stateDir), entry.name)] : [],
  );
}

export function runFolder(stateDir: string): string {
  return join(stateDir, 'run');
}

export function sessionPaths(stateDir: string, sessionId: string): SessionPaths {
  const folder = join(sessionsFolder(stateDir), folderName(sessionId));
  return {
    folder,
    workspace: join(folder, 'workspace'),
    home: join(folder, 'home'),
    journal: join(folder, 'journal'),
    hostRecord: join(folder, 'host.json'),
    hostLog: join(folder, 'host.log'),
    groups: join(folder, 'groups.json'),
    socket: join(runFolder(stateDir), `${shortHash(sessionId)}.sock`),
    owner: join(folder, 'session.json'),
    unused: join(folder, 'unused.json'),
    notes: join(stateDir, 'notes', `${shortHash(sessionId)}.jsonl`),
  };
}

/** A file name for an opaque id: different for different ids, also where file names ignore case. */
export function folderName(id: string): string {
  const readable = id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 40);
  return `${readable}-${shortHash(id)}`;
}

/** The value of `HOLDFAST_CALL` for a call: its id, unless that cannot stand in an environment. */
export function callMark(callId: string): string {
  return /^[\w.:-]{1,128}$/.test(callId) ? callId : folderName(callId);
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export type StateDirCheck = { readonly kind: 'ok' } | { readonly kind: 'unusable'; readonly message: string };

/** What is wrong with a state folder whose sockets would have too long a path, and what to do; else undefined. */
export function socketPathProblem(stateDir: string): { found: string; mend: string } | undefined {
  const bytes = Buffer.byteLength(sessionPaths(stateDir, 'any').socket);
  if (bytes <= SOCKET_PATH_BYTES) return undefined;
  return {
    found:
      `the state folder ${stateDir} is too long for Unix sockets: its sockets would need ${bytes} bytes, ` +
      `${SOCKET_PATH_BYTES} fit`,
    mend: `choose one at least ${bytes - SOCKET_PATH_BYTES} bytes shorter (HOLDFAST_STATE_DIR)`,
  };
}

/** Whether hosts can live in this state folder; it is made if it is missing. The message says what to do. */
export async function checkStateDir(stateDir: string): Promise<StateDirCheck> {
  const tooLong = socketPathProblem(stateDir);
  if (tooLong !== undefined) return { kind: 'unusable', message: `${tooLong.found}; ${tooLong.mend}` };
  try {
    for (const folder of [stateDir, runFolder(stateDir), sessionsFolder(stateDir)]) {
      await makeFolder(folder);
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    }
    return { kind: 'ok' };
  } catch (error) {
    const why = errorText(error);
    const message = `the state folder ${stateDir} cannot be used: ${why}; choose a writable folder (HOLDFAST_STATE_DIR)`;
    return { kind: 'unusable', message };
  }
}

/** Node's own `recursive` never returns where a folder cannot be made although its parent is there, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: 0o700 });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  });
}
