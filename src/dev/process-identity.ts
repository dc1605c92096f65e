import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** proc(5): the 22nd field of /proc/PID/stat is the start time; the name in the 2nd may hold spaces and brackets. */
function startTicks(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}

/**
 * What tells this process from a later one that got the same pid: its start time, and the boot it belongs to.
 * undefined when no such process runs (a zombie counts as ended).
 */
export function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const ticks = startTicks(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      if (ticks === undefined) return undefined;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${ticks}`;
    }
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}
