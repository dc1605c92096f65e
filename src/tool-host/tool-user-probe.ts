/** Tries whether tools can be run as the settings say, with real processes that are gone when it is told. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toolEnvironment } from './host-config.ts';
import { killAll, markedProcesses } from './kill.ts';
import { sessionsFolder } from './paths.ts';
import { identify } from './processes.ts';
import { FIRST_SESSION_GID, LAST_SESSION_GID, type Owner } from './tool-user.ts';

const LIMIT_MS = 30_000;
const KILL_MS = 5_000;

/** Whether the group ids of sessions exist here: a user namespace may have far fewer. */
export function mappedGroups(map = readFileSync('/proc/self/gid_map', 'latin1')): boolean {
  return map.split('\n').some(line => {
    const [inside = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return inside <= FIRST_SESSION_GID && inside + count > LAST_SESSION_GID;
  });
}

/** What the owner must reach and cannot: the workspaces, Node, our own code, the tools module. */
export async function closedPath(
  owner: Owner,
  workspaces: string,
  toolsModule: string | undefined,
): Promise<string | undefined> {
  const code = fileURLToPath(import.meta.url);
  const wanted = [
    { path: workspaces, what: 'the state folder', mend: 'set HOLDFAST_STATE_DIR to an open place' },
    { path: process.execPath, what: 'Node', mend: 'install it where every user may run it' },
    { path: code, what: 'the code of Holdfast', mend: 'install it where every user may read it' },
    ...(toolsModule === undefined
      ? []
      : [{ path: toolsModule, what: 'the tools module', mend: 'move it where that user may read it' }]),
  ];
  for (const { path, what, mend } of wanted) {
    const above = foldersAbove(path);
    const tests = [...above.map(folder => ['-x', folder]), [path === workspaces ? '-x' : '-r', path]];
    const script = 'while [ $# -gt 1 ]; do [ "$1" "$2" ] || { printf %s "$2"; exit; }; shift 2; done';
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, 'sh', ...tests.flat()], {
      ...owner,
      cwd: '/',
    });
    if (stdout !== '') return `${what} is closed to that user at ${stdout}: ${mend}, or open it (chmod o+x)`;
  }
  return undefined;
}

/** Whether a process of the owner has given up all rights, and may be found and killed by us. */
export async function rightsProblem(owner: Owner): Promise<string | undefined> {
  const { stdout: status } = await promisify(execFile)('cat', ['/proc/self/status'], { ...owner, cwd: '/' });
  const kept = /^Cap(?:Prm|Eff|Amb):[ \t]*0*[1-9a-f]/m.exec(status)?.[0];
  if (kept !== undefined)
    return `its processes would keep capabilities of root (${kept.trim()}); remove ambient capabilities and securebits`;
  const groups = /^Groups:[ \t]*(\S.*)$/m.exec(status)?.[1];
  if (groups !== undefined) return `its processes would keep the groups ${groups}`;
  return undefined;
}

export interface CommandProbe {
  readonly prefix: readonly string[];
  readonly owner: Owner | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly stateDir: string;
}

/** Runs a shell as bash is run, and sees whether a stop would find it. */
export async function commandProblem({
  prefix,
  owner,
  env,
  stateDir,
}: CommandProbe): Promise<string | undefined> {
  const workspace = await mkdtemp(join(sessionsFolder(stateDir), '.probe-'));
  const mark = `probe.${randomBytes(6).toString('hex')}`;
  try {
    if (owner !== undefined) await chown(workspace, owner.uid, owner.gid);
    const words = prefix.map(word => word.replaceAll('{workspace}', workspace));
    const [program = '', ...args] = [
      ...words,
      '/bin/bash',
      '--noprofile',
      '--norc',
      '-c',
      'echo begun; read -r x',
    ];
    const child = spawn(program, args, {
      cwd: workspace,
      env: toolEnvironment(env, mark),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...owner,
    });
    const leader = child.pid === undefined ? undefined : identify(child.pid);
    const failure = await untilBegun(child);
    const isSeen = (markedProcesses('HOLDFAST_HOST', mark).get(mark) ?? []).some(isBash);
    const { survivors } = await killAll(
      { marks: [`HOLDFAST_HOST=${mark}`], groups: leader === undefined ? [] : [leader] },
      KILL_MS,
    );
    child.stdin.destroy();
    if (failure !== undefined) {
      const what =
        prefix.length === 0 ? 'bash does not run as that user' : `HOLDFAST_TOOL_COMMAND does not work`;
      return `${what}: ${failure}`;
    }
    if (survivors.length > 0) return `what tools start could not be killed: ${survivors.join(', ')}`;
    if (process.platform !== 'linux' || isSeen) return undefined;
    return prefix.length === 0
      ? 'the worker may not see what its tools start (/proc/PID/environ): give it the capability CAP_SYS_PTRACE'
      : `HOLDFAST_TOOL_COMMAND hides what tools start: let HOLDFAST_HOST and HOLDFAST_CALL through to them`;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}

function isBash(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim() === 'bash';
  } catch {
    return false;
  }
}

/** @returns what went wrong; undefined when the shell has spoken. */
function untilBegun(child: ChildProcessWithoutNullStreams): Promise<string | undefined> {
  let said = '';
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(`no shell came up within ${LIMIT_MS / 1_000} s`), LIMIT_MS);
    const settle = (failure?: string): void => {
      clearTimeout(timer);
      resolve(failure);
    };
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-500);
    });
    child.stdout.once('data', () => settle());
    child.once('error', error => settle(error.message));
    child.once('close', (code, signal) =>
      settle(said.trim() || `it ended at once (${signal ?? `exit code ${code}`})`),
    );
  });
}
