/**
 * The machine's processes, and how to know one again. A pid alone proves nothing: only pid, start time and boot
 * id together name a process. Where there is no /proc (macOS), environments cannot be read, and only recorded
 * process groups are known.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  /** Session id; the shell's descendants keep it unless they call setsid. 0 where it is not known. */
  readonly sid: number;
  /** Opaque; compare for equality only. */
  readonly startTime: string;
}

export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

const HAS_PROC = process.platform === 'linux';

let cachedBootId: string | undefined;

/** This boot of the machine: after another one, no recorded pid means anything. */
export function bootId(): string {
  cachedBootId ??= HAS_PROC
    ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    : spawnSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).stdout.trim();
  return cachedBootId;
}

/** The identity of a live process, or undefined if there is none (a zombie is none). */
export function identify(pid: number): ProcessIdentity | undefined {
  const info = HAS_PROC ? readStat(pid) : listByPs().find(other => other.pid === pid);
  return info === undefined ? undefined : { pid, startTime: info.startTime, bootId: bootId() };
}

/** Whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Every live process; zombies are dead. */
export function listProcesses(): ProcessInfo[] {
  if (!HAS_PROC) return listByPs();
  return readdirSync('/proc').flatMap(name => {
    const info = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    return info === undefined ? [] : [info];
  });
}

/** The environment a process was started with as `NAME=value` strings; empty where it cannot be read. */
export function environmentOf(pid: number): string[] {
  if (!HAS_PROC) return [];
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** The real group id of a process, which only root can change; undefined where it cannot be told. */
export function groupOf(pid: number): number | undefined {
  try {
    const gid = /^Gid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return gid === undefined ? undefined : Number(gid);
  } catch {
    return undefined;
  }
}

/** `pid command`, for reports. */
export function describeProcess(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return `${pid} ${words.slice(0, 120)}`.trim();
  } catch {
    return String(pid);
  }
}

/** A process and all it descends from: what a kill must spare. */
export function selfAndAncestors(processes: readonly ProcessInfo[]): Set<number> {
  const parents = new Map(processes.map(info => [info.pid, info.ppid]));
  const spared = new Set<number>();
  for (
    let pid: number | undefined = process.pid;
    pid !== undefined && !spared.has(pid);
    pid = parents.get(pid)
  ) {
    spared.add(pid);
  }
  return spared;
}

function readStat(pid: number): ProcessInfo | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, pgid, sid] = fields;
  if (state === 'Z' || state === 'X' || state === undefined) return undefined;
  return { pid, ppid: Number(ppid), pgid: Number(pgid), sid: Number(sid), startTime: fields[19] ?? '' };
}

function listByPs(): ProcessInfo[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,lstart='], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap(line => {
    const [pid, ppid, pgid, state, ...lstart] = line.trim().split(/\s+/);
    if (pid === undefined || pid === '' || state === undefined || state.startsWith('Z')) return [];
    return [
      { pid: Number(pid), ppid: Number(ppid), pgid: Number(pgid), sid: 0, startTime: lstart.join(' ') },
    ];
  });
}
