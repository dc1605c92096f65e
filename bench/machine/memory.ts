/** Memory of processes, from /proc/<pid>/smaps_rollup. */
import { readFileSync } from 'node:fs';
import type { MemoryUse } from '../sample.ts';

export function memoryOf(pids: readonly number[]): MemoryUse {
  const uses = pids.map(useOf).filter(use => use !== undefined);
  const sum = (of: (use: Use) => number) => uses.reduce((all, use) => all + of(use), 0);
  return { processes: uses.length, rss: sum(use => use.rss), pss: sum(use => use.pss) };
}

type Use = Pick<MemoryUse, 'rss' | 'pss'>;

/** Undefined for a process that is gone. */
function useOf(pid: number): Use | undefined {
  try {
    return useIn(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Bytes. */
export function useIn(rollup: string): Use {
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
  return { rss: kilobytes('Rss') * 1_024, pss: kilobytes('Pss') * 1_024 };
}
