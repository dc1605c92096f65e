/**
 * Killing what a call or a host has started, whole: its process groups, what stayed in their sessions, every
 * process that carries its marks in the environment (grandchildren that called setsid), and their descendants.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  bootId,
  describeProcess,
  environmentOf,
  groupOf,
  identify,
  listProcesses,
  type ProcessIdentity,
  type ProcessInfo,
  selfAndAncestors,
} from './processes.ts';

export interface KillTarget {
  /** `NAME=value` strings that a process must all carry in its environment. */
  readonly marks: readonly string[];
  /** Leaders of process groups; one whose pid now names another process is passed over. */
  readonly groups?: readonly ProcessIdentity[];
  /** A group id whose processes are all meant: a session's own (tool-user.ts), which none of them can leave. */
  readonly gid?: number | undefined;
  /** Processes that are left alone, what they have started included. */
  readonly spare?: readonly number[];
}

export interface KillReport {
  /** As `pid command`. */
  readonly killed: readonly string[];
  readonly survivors: readonly string[];
}

const ROUND_MS = 4;

/**
 * Kills until nothing of the target is left or `timeoutMs` is over; a fork between two looks is caught by the
 * next. This process and its ancestors are spared.
 */
export async function killAll(target: KillTarget, timeoutMs: number): Promise<KillReport> {
  const killed = new Map<number, string>();
  const groups = (target.groups ?? []).filter(isSameOrGone).map(leader => leader.pid);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const victims = findVictims(target, groups);
    if (victims.length === 0) return { killed: [...killed.values()], survivors: [] };
    for (const { pid } of victims) {
      if (!killed.has(pid)) killed.set(pid, describeProcess(pid));
      send(pid);
    }
    if (performance.now() > deadline) {
      const alive = new Set(victims.map(victim => victim.pid));
      return {
        killed: [...killed].filter(([pid]) => !alive.has(pid)).map(([, text]) => text),
        survivors: [...alive].map(describeProcess),
      };
    }
    await sleep(ROUND_MS);
  }
}

/** Live processes whose environment carries a mark with this prefix, by the mark's value. */
export function markedProcesses(name: string, prefix: string): Map<string, number[]> {
  const start = `${name}=${prefix}`;
  const found = new Map<string, number[]>();
  for (const { pid } of listProcesses()) {
    const mark = environmentOf(pid).find(entry => entry.startsWith(start));
    if (mark === undefined) continue;
    const value = mark.slice(name.length + 1);
    found.set(value, [...(found.get(value) ?? []), pid]);
  }
  return found;
}

function findVictims({ marks, gid, spare = [] }: KillTarget, groups: readonly number[]): ProcessInfo[] {
  const processes = listProcesses();
  const spared = new Set([...selfAndAncestors(processes), ...spare]);
  const chosen = new Set<number>();
  for (const info of processes) {
    if (spared.has(info.pid)) continue;
    const isGrouped = groups.includes(info.pgid) || groups.includes(info.sid);
    if (isGrouped || carries(info.pid, marks) || (gid !== undefined && groupOf(info.pid) === gid))
      chosen.add(info.pid);
  }
  for (let grew = chosen.size > 0; grew; ) {
    grew = false;
    for (const info of processes) {
      if (chosen.has(info.pid) || spared.has(info.pid) || !chosen.has(info.ppid)) continue;
      if (belongsElsewhere(info.pid, marks)) continue;
      chosen.add(info.pid);
      grew = true;
    }
  }
  return processes.filter(info => chosen.has(info.pid));
}

function carries(pid: number, marks: readonly string[]): boolean {
  if (marks.length === 0) return false;
  const environment = environmentOf(pid);
  return marks.every(mark => environment.includes(mark));
}

/** A child of the common shell that was started by another call, and has left the shell's group, is not ours. */
function belongsElsewhere(pid: number, marks: readonly string[]): boolean {
  const own = marks.find(mark => mark.startsWith('HOLDFAST_CALL='));
  const carried = own && environmentOf(pid).find(entry => entry.startsWith('HOLDFAST_CALL='));
  return carried !== undefined && carried !== own;
}

/** A pid is not given to a new process while a group of that id lives, so a gone leader's group is still its own. */
function isSameOrGone(leader: ProcessIdentity): boolean {
  if (leader.bootId !== bootId()) return false;
  const now = identify(leader.pid);
  return now === undefined || now.startTime === leader.startTime;
}

function send(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile, or belongs to another user: the next look tells which.
  }
}
