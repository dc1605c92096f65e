/** The repetitions of one peer in one workload, brought together. Pure. */
import type { Memory, Sample } from '../sample.ts';
import type { Key } from '../workloads/workload.ts';
import { type Interval, medianInterval } from './interval.ts';
import { median, type Quantiles, quantilesOf } from './quantiles.ts';

export interface Summary {
  /** Of the workload's key value over the repetitions. */
  readonly key: Interval | undefined;
  /** Of all times of all repetitions together, ms. */
  readonly times: Quantiles | undefined;
  /** What follows are medians of the repetitions. */
  readonly callsPerSecond: number | undefined;
  readonly perCall: PerCall | undefined;
  readonly memory: MemorySummary | undefined;
  readonly figures: Readonly<Record<string, number>>;
}

export interface PerCall {
  /** Milliseconds of processor time. */
  readonly workerCpu: number;
  readonly toolHostCpu: number;
  readonly serverCpu: number | undefined;
  readonly apiCpu: number;
  readonly historyEvents: number | undefined;
  readonly historyBytes: number | undefined;
  readonly actions: number | undefined;
  readonly requests: number;
}

/** Bytes. */
export interface MemorySummary {
  readonly workerRss: number;
  readonly workerPss: number;
  readonly toolHosts: number;
  /** Of one tool host; undefined where there is none. */
  readonly toolHostPss: number | undefined;
  readonly serverRss: number | undefined;
}

export function summaryOf(samples: readonly Sample[], key: Pick<Key, 'of'>): Summary {
  const withCalls = samples.filter(({ calls }) => calls > 0);
  const last = samples.at(-1);
  const keys = samples.map(sample => key.of(sample)).filter(value => value !== undefined);
  const names = new Set(samples.flatMap(({ figures }) => Object.keys(figures)));
  const figures = [...names].map(name => {
    const values = samples.flatMap(sample => sample.figures[name] ?? []);
    return [name, median(values) ?? Number.NaN] as const;
  });
  return {
    key: medianInterval(keys),
    times: quantilesOf(samples.flatMap(({ times }) => times)),
    callsPerSecond: median(withCalls.map(({ calls, wallMs }) => (calls * 1_000) / wallMs)),
    perCall: withCalls.length === 0 ? undefined : perCallOf(withCalls),
    memory: last === undefined ? undefined : memorySummary(last.memory),
    figures: Object.fromEntries(figures),
  };
}

function perCallOf(samples: readonly Sample[]): PerCall {
  const each = (of: (sample: Sample) => number | null | undefined): number | undefined =>
    median(
      samples.flatMap(sample => {
        const value = of(sample);
        return value === null || value === undefined ? [] : [value / sample.calls];
      }),
    );
  return {
    workerCpu: each(({ cpu }) => cpu.worker) ?? 0,
    toolHostCpu: each(({ cpu }) => cpu.toolHosts) ?? 0,
    serverCpu: each(({ cpu, history }) => (history === null ? null : cpu.server)),
    apiCpu: each(({ cpu }) => cpu.api) ?? 0,
    historyEvents: each(({ history }) => history?.events),
    historyBytes: each(({ history }) => history?.bytes),
    actions: each(({ actions }) => actions),
    requests: each(({ requests }) => requests) ?? 0,
  };
}

function memorySummary({ worker, toolHosts, server }: Memory): MemorySummary {
  const { processes } = toolHosts;
  return {
    workerRss: worker.rss,
    workerPss: worker.pss,
    toolHosts: processes,
    toolHostPss: processes === 0 ? undefined : toolHosts.pss / processes,
    serverRss: server?.rss,
  };
}
