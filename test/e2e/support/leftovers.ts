/**
 * What tool hosts of one state folder have running. Looked up without the product's own code: by the mark of the
 * folder's host in the environment, and by a working directory inside the folder.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Pids of tool hosts, shells and whatever they started; zombies are dead. */
export function toolProcesses(stateDir: string): number[] {
  const mark = `HOLDFAST_HOST=${hostIdOf(stateDir)}.`;
  const folder = join(stateDir, 'sessions');
  return pids().filter(
    pid =>
      !isZombie(pid) &&
      (read(`/proc/${pid}/environ`)
        .split('\0')
        .some(entry => entry.startsWith(mark)) ||
        folderOf(pid).startsWith(folder)),
  );
}

/** `pid command` of each, for messages. */
export function describeAll(pids: readonly number[]): string {
  return pids
    .map(pid => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 160)}`)
    .join('; ');
}

/** The process that serves a session's tools. */
export function toolHostPid(stateDir: string, sessionId: string): number {
  const record = read(join(sessionFolder(stateDir, sessionId), 'host.json'));
  if (record === '') throw new Error(`${sessionId} has no tool host`);
  return (JSON.parse(record) as { pid: number }).pid;
}

/** Workspace, journal and host record of a session. */
export function sessionFolder(stateDir: string, sessionId: string): string {
  const folder = join(stateDir, 'sessions');
  const name = readdirSync(folder).find(other => other.startsWith(`${sessionId}-`));
  if (name === undefined) throw new Error(`${sessionId} has no folder among ${readdirSync(folder)}`);
  return join(folder, name);
}

export function isAlive(pid: number): boolean {
  return read(`/proc/${pid}/stat`) !== '' && !isZombie(pid);
}

/** The id in the names of a host's queues and incarnations. */
function hostIdOf(stateDir: string): string {
  const record = read(join(stateDir, 'host-id'));
  // Without one no worker with tools has run here, and nothing carries this.
  return record === '' ? 'none' : (JSON.parse(record) as { id: string }).id;
}

function pids(): number[] {
  return readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : []));
}

function isZombie(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Empty for what is not there, or no longer. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
