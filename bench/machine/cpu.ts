/** Processor time of processes and of all that descends from them, from /proc. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { listProcesses } from '../../src/tool-host/processes.ts';

/** These processes and their descendants, less the trees of `others`. */
export function familyOf(roots: readonly number[], others: readonly number[] = []): number[] {
  const children = new Map<number, number[]>();
  for (const { pid, ppid } of listProcesses()) children.set(ppid, [...(children.get(ppid) ?? []), pid]);
  const apart = new Set(others);
  const family = new Set<number>();
  const take = (pid: number) => {
    if (family.has(pid) || apart.has(pid)) return;
    family.add(pid);
    for (const child of children.get(pid) ?? []) take(child);
  };
  for (const root of roots) take(root);
  return [...family];
}

/** Milliseconds so far, children that have ended included. A process that is gone counts nothing. */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) * msPerTick();
}

function ticksOf(pid: number): number {
  try {
    return ticksIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return 0;
  }
}

/** utime, stime, cutime and cstime of a line of /proc/<pid>/stat. */
export function ticksIn(stat: string): number {
  // The command stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
}

let perTick: number | undefined;

function msPerTick(): number {
  perTick ??= 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return perTick;
}
