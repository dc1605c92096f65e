/** What `--compare` says: each workload's ratio now against that of the baseline. Pure. */
import type { BenchRecord, WorkloadRecord } from '../record.ts';
import { type Compared, changeOf, type Verdict, verdictOf } from '../statistics/comparison.ts';
import type { Interval } from '../statistics/interval.ts';
import { table } from './table.ts';

export interface Gate {
  readonly text: string;
  readonly worse: readonly string[];
}

const WORDS: Readonly<Record<Verdict, string>> = {
  worse: 'WORSE',
  same: 'same',
  better: 'better',
  unsure: 'too few repetitions to tell',
  missing: 'not in both',
};

/** Ratios to the straightforward program only: times of another machine, or of another day, say nothing. */
export function gateOf(now: BenchRecord, baseline: BenchRecord): Gate {
  const compared = now.workloads.flatMap((workload): Compared[] => {
    const before = baseline.workloads.find(({ name }) => name === workload.name);
    const [ours, theirs] = [ratioIn(workload), before && ratioIn(before)];
    if (ours === undefined && theirs === undefined) return [];
    return [{ workload: workload.name, better: workload.key.better, before: theirs, now: ours }];
  });
  const judged = compared.map(one => ({ ...one, verdict: verdictOf(one), change: changeOf(one) }));
  const rows = judged.map(({ workload, before, now: ours, change, verdict }) => [
    workload,
    ratio(before),
    ratio(ours),
    change === undefined ? '–' : `${change < 0 ? '' : '+'}${(change * 100).toFixed(1)} %`,
    WORDS[verdict],
  ]);
  return {
    text: table(['workload', 'ratio in the baseline', 'ratio now', 'change', 'verdict'], rows),
    worse: judged.filter(({ verdict }) => verdict === 'worse').map(({ workload }) => workload),
  };
}

function ratioIn({ peers }: WorkloadRecord): Interval | undefined {
  return peers.find(({ peer }) => peer === 'holdfast')?.ratio ?? undefined;
}

function ratio(interval: Interval | undefined): string {
  if (interval === undefined) return '–';
  const { median, low, high } = interval;
  return `×${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
