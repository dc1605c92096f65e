/** docs/metrics.md is held to what is counted, and what is counted to what happened. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import type { RunToolResult } from '../src/activities/run-tool.ts';
import { activityMetrics, BUCKETS, noticeMetrics } from '../src/activity-metrics.ts';
import { apiMetrics, temporalMetric } from '../src/api-metrics.ts';
import { countSessions } from '../src/session-counts.ts';
import { RUN_COUNTERS } from '../src/workflows/metrics.ts';
import { recordingMeter } from './support/recording-meter.ts';
import { until } from './support/until.ts';

const page = readFileSync(fileURLToPath(new URL('../docs/metrics.md', import.meta.url)), 'utf8');
const rows = [...page.matchAll(/^\| `(holdfast_\w+)` \| (\w+) \| (.*?) \| /gm)];
const served = { tools: [{ name: 'bash' }] };
const quiet = new DefaultLogger('ERROR');

describe('docs/metrics.md', () => {
  it('names each metric with its type, and no other', async () => {
    const meter = recordingMeter();
    activityMetrics(meter, served);
    noticeMetrics(meter);
    apiMetrics(meter);
    temporalMetric(meter);
    const client = { workflow: { count: async () => ({ count: 0 }) } };
    countSessions({ client: client as never, meter, logger: quiet, searchAttributes: true }).stop();
    const made = [
      ...meter.metrics.map(({ name, kind }) => [name, kind]),
      ...Object.values(RUN_COUNTERS).map(({ name }) => [name, 'counter']),
    ];
    expect(rows.map(([, name, kind]) => [name, kind]).sort()).toEqual(made.sort());
    expect(Object.keys(BUCKETS).sort()).toEqual(
      made.flatMap(([name = '', kind]) => (kind === 'histogram' ? [name] : [])).sort(),
    );
  });

  it('names the labels of what runs count', () => {
    const labels = Object.fromEntries(rows.map(([, name, , told = '']) => [name, told]));
    for (const { name, tags } of Object.values(RUN_COUNTERS))
      expect(labels[name]?.match(/`(\w+)`:/g) ?? []).toEqual(tags.map(tag => `\`${tag}\`:`));
  });
});

/** One attempt at an activity, as the worker makes it. */
async function attempt(
  activityType: string,
  {
    result,
    error,
    number = 1,
    heartbeatDetails,
  }: Partial<{ result: unknown; error: unknown; number: number; heartbeatDetails: unknown }>,
  input: unknown = {},
  meter = recordingMeter(),
) {
  const info = { activityType, attempt: number, heartbeatDetails };
  const interceptors = [activityMetrics(meter, served)];
  const env = new MockActivityEnvironment(info, { interceptors, logger: quiet });
  const run = async (_input: unknown) => {
    if (error !== undefined) throw error;
    return result;
  };
  await env.run(run, input).catch(() => undefined);
  return meter;
}

const outcome = (more: object): RunToolResult =>
  ({
    kind: 'outcome',
    outcome: { startedAt: 1_000, finishedAt: 3_500, starts: 1, ...more },
  }) as RunToolResult;
const call = (name: string) => ({ call: { name } });

describe('a worker counts', () => {
  it('how long tools ran, by the names that it serves', async () => {
    const meter = recordingMeter();
    const answered = outcome({ kind: 'answered', isError: false, content: [] });
    await attempt('runTool', { result: answered }, call('bash'), meter);
    await attempt('runTool', { result: answered }, call('made up by a model 17'), meter);
    await attempt('runTool', { result: outcome({ kind: 'stored', isError: true }) }, call('bash'), meter);
    await attempt('runTool', { result: outcome({ kind: 'unknown', evidence: {} }) }, call('bash'), meter);
    // Nobody knows how long that ran, and this one did not.
    await attempt(
      'runTool',
      { result: outcome({ kind: 'unknown', evidence: { recordsLost: true } }) },
      call('bash'),
      meter,
    );
    await attempt(
      'runTool',
      { result: outcome({ kind: 'stopped', starts: 0, evidence: {} }) },
      call('bash'),
      meter,
    );
    expect(meter.told('holdfast_tool_duration')).toEqual([
      '2500 tool=bash outcome=answered',
      '2500 tool=other outcome=answered',
      '2500 tool=bash outcome=error',
      '2500 tool=bash outcome=unknown',
    ]);
    expect(meter.told('holdfast_calls_running')).toEqual(Array.from({ length: 6 }, () => ['1', '0']).flat());
    expect(meter.told('holdfast_reattachments')).toEqual([]);
  });

  it('attempts that take a call up again, and how long nobody waited for it', async () => {
    const beaten = { outputBytes: 0, touched: true, at: Date.now() - 2_000 };
    const meter = await attempt('runTool', {
      number: 2,
      heartbeatDetails: beaten,
      result: { kind: 'host-lost' },
    });
    expect(meter.told('holdfast_reattachments')).toEqual(['1']);
    expect(Number(meter.told('holdfast_recovery_time')[0])).toBeGreaterThanOrEqual(2_000);
    const unbeaten = await attempt('runTool', { number: 2, result: { kind: 'host-lost' } });
    expect(unbeaten.told('holdfast_recovery_time')).toEqual([]);
  });

  it('what the API, streams and full machines cost', async () => {
    const meter = recordingMeter();
    const error = (type: string) => ApplicationFailure.create({ type, message: type });
    await attempt('postResults', { error: error('ApiUnavailable') }, {}, meter);
    await attempt('postResults', { number: 2, result: [] }, {}, meter);
    await attempt('listen', { error: error('StreamLost') }, {}, meter);
    await attempt('listen', { number: 2, error: error('HandedOver') }, {}, meter);
    await attempt('openWorkspace', { error: error('HostFull') }, {}, meter);
    await attempt('openWorkspace', { result: { how: 'new' } }, {}, meter);
    await attempt('openWorkspace', { error: new Error('anything else') }, {}, meter);
    expect(meter.told('holdfast_api_failures')).toEqual(['1 activity=postResults type=ApiUnavailable']);
    expect(meter.told('holdfast_post_retries')).toEqual(['1 activity=postResults']);
    expect(meter.told('holdfast_stream_reconnects')).toEqual(['1']);
    expect(meter.told('holdfast_hosts_full')).toEqual(['1']);
    expect(meter.told('holdfast_tool_hosts_opened')).toEqual(['1 how=new']);
  });

  it('sessions of all workers, and goes on when Temporal has not answered', async () => {
    const meter = recordingMeter();
    let answers = 0;
    const count = async (query: string) => {
      if (++answers === 1) throw new Error('unavailable');
      return { count: query.includes('stuck') ? 1 : query.includes('Held') ? 2 : 3 };
    };
    const client = { workflow: { count } } as never;
    const counting = countSessions({ client, meter, logger: quiet, searchAttributes: true, everyMs: 5 });
    await until('all are counted', () => meter.told('holdfast_sessions').length >= 3);
    counting.stop();
    expect(meter.told('holdfast_sessions').slice(0, 3)).toEqual([
      '3 state=running',
      '2 state=held',
      '1 state=stuck',
    ]);
  });
});
