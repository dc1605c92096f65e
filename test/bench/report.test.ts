import { expect, test } from 'vitest';
import type { BenchRecord, WorkloadRecord } from '../../bench/record.ts';
import { costChart } from '../../bench/report/chart.ts';
import { gateOf } from '../../bench/report/gate.ts';
import { number, reportOf } from '../../bench/report/table.ts';
import type { Sample } from '../../bench/sample.ts';
import { ratioOf } from '../../bench/statistics/ratio.ts';
import { summaryOf } from '../../bench/statistics/summary.ts';
import { CALLS_PER_SECOND, MEDIAN_TIME } from '../../bench/workloads/keys.ts';

const use = { processes: 1, rss: 400 * 1_048_576, pss: 300 * 1_048_576 };

function sample(ms: number, more: Partial<Sample> = {}): Sample {
  return {
    times: [ms, ms, ms * 2],
    wallMs: ms * 4,
    calls: 4,
    cpu: { worker: 40, toolHosts: 8, server: 60, api: 4 },
    history: { events: 52, bytes: 8_000 },
    actions: 16,
    requests: 5,
    memory: { worker: use, toolHosts: { processes: 2, rss: 0, pss: 90 * 1_048_576 }, server: use },
    figures: {},
    ...more,
  };
}

function workload(name: string, ours: readonly number[], theirs: readonly number[]): WorkloadRecord {
  const { label, unit, better } = MEDIAN_TIME;
  const ratio = ratioOf(ours, theirs) ?? null;
  return {
    name,
    title: `${name}, as it is`,
    key: { label, unit, better },
    seconds: 9,
    peers: [
      {
        peer: 'holdfast',
        samples: [],
        summary: summaryOf(
          ours.map(ms => sample(ms)),
          MEDIAN_TIME,
        ),
        ratio,
        failure: null,
      },
      {
        peer: 'straightforward',
        samples: [],
        summary: summaryOf(
          theirs.map(ms => sample(ms)),
          MEDIAN_TIME,
        ),
        ratio: null,
        failure: null,
      },
      {
        peer: 'sdk',
        samples: [],
        summary: summaryOf([], MEDIAN_TIME),
        ratio: null,
        failure: 'it ended: no | such',
      },
    ],
  };
}

function record(...workloads: WorkloadRecord[]): BenchRecord {
  return {
    format: 1,
    at: '2026-11-22T00:00:00.000Z',
    seconds: 60,
    mode: 'normal',
    repetitions: 5,
    machine: { cpus: 2, model: 'a <fast> one', memoryMb: 8_000, system: 'Linux 6', loadBefore: 0.1 },
    versions: {
      holdfast: '0.1.0',
      commit: 'abcdef0123',
      changed: false,
      node: 'v24',
      temporalSdk: '1',
      anthropicSdk: '1',
      pythonSdk: '2',
    },
    server: { kind: 'sqlite', version: '1.31.2 on sqlite' },
    skipped: [{ peer: 'python', reason: 'no python3' }],
    workloads,
  };
}

/** With some noise. */
const five = (ms: number) => [ms, ms * 1.02, ms * 0.98, ms, ms];
const steady = (ms: number) => [ms, ms, ms, ms, ms];

test('a summary counts per call and takes the median of the repetitions', () => {
  const summary = summaryOf([sample(10), sample(20), sample(1_000)], MEDIAN_TIME);
  expect(summary.key?.median).toBe(20);
  expect(summary.callsPerSecond).toBe(50);
  expect(summary.perCall).toMatchObject({
    workerCpu: 10,
    toolHostCpu: 2,
    serverCpu: 15,
    historyEvents: 13,
    requests: 1.25,
  });
  expect(summary.memory).toMatchObject({ toolHosts: 2, toolHostPss: 45 * 1_048_576 });
  expect(summary.times?.count).toBe(9);
});

test('a runner without workflows has neither history nor a server’s processor time', () => {
  const { perCall } = summaryOf([sample(10, { history: null })], CALLS_PER_SECOND);
  expect(perCall).toMatchObject({ historyEvents: undefined, serverCpu: undefined });
  expect(summaryOf([sample(10, { calls: 0 })], CALLS_PER_SECOND).perCall).toBeUndefined();
});

test('the report has a row for each peer, the ratio with its noise, and who was left out or failed', () => {
  const text = reportOf(record(workload('no-op', five(10), steady(20))));
  expect(text).toContain('| no-op | Holdfast | 10 |');
  expect(text).toContain('p50 ×0.50 (0.49–0.51)');
  expect(text).toContain('SDK (Python) was left out: no python3');
  expect(text).toContain('no-op: SDK (TypeScript) failed: it ended: no | such');
  expect(text).toMatch(/\(abcdef0\), 2026/);
});

test.each([
  [undefined, '–'],
  [Number.NaN, '–'],
  [0.1234, '0.12'],
  [12.345, '12.3'],
  [12_345.6, '12,346'],
])('%s is shown as %s', (value, text) => {
  expect(number(value)).toBe(text);
});

test('the chart has a bar for each workload that both have done, and is one well-formed picture', () => {
  const svg = costChart(record(workload('no-op', five(10), steady(20)), workload('lonely', five(10), [])));
  expect(svg.match(/<rect /g)).toHaveLength(1);
  expect(svg).toContain('10 ms against 20 ms');
  expect(svg).toMatch(/^<svg [^>]*>[\s\S]*<\/svg>\n$/);
  expect(svg.replace(/<[^<>]*>/g, '')).not.toContain('<');
});

test('a workload that got slower than the yardstick has a bar beyond it, in the other colour', () => {
  const svg = costChart(record(workload('slow', five(30), steady(20))));
  expect(svg).toContain('<rect class="bad"');
});

test('the gate names what got worse against the yardstick, however fast the machine is', () => {
  const before = record(workload('no-op', five(10), steady(20)), workload('other', five(10), steady(10)));
  const sameOnASlowerMachine = record(
    workload('no-op', five(30), steady(60)),
    workload('other', five(30), steady(30)),
  );
  expect(gateOf(sameOnASlowerMachine, before).worse).toEqual([]);
  const worse = record(workload('no-op', five(30), steady(40)), workload('other', five(10), steady(10)));
  const gate = gateOf(worse, before);
  expect(gate.worse).toEqual(['no-op']);
  expect(gate.text).toContain('| no-op | ×0.50 (0.49–0.51) | ×0.75');
  expect(gate.text).toContain('+50.0 %');
});

test('the gate does not judge a workload that only one of the runs has', () => {
  const gate = gateOf(record(workload('new', five(10), steady(20))), record());
  expect(gate.worse).toEqual([]);
  expect(gate.text).toContain('not in both');
});
