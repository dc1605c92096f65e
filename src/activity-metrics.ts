/**
 * What a worker's activities tell as metrics (docs/metrics.md). Around all of them, so that none needs to know: an
 * attempt costs two counters at most.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure, type MetricMeter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { OpenWorkspaceResult } from './activities/open-workspace.ts';
import type { RunToolInput, RunToolProgress, RunToolResult } from './activities/run-tool.ts';
import type { ToolOutcome } from './session/outcome.ts';
import type { ServedTool } from './session/served-tool.ts';
import type { NoticeType, NoticeWay } from './workflows/notice.ts';

/** Upper bounds of buckets, ms. */
export const BUCKETS: Readonly<Record<string, number[]>> = {
  holdfast_tool_duration: [10, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5],
  holdfast_recovery_time: [100, 250, 500, 1e3, 2e3, 3e3, 5e3, 1e4, 3e4, 6e4, 3e5],
};

/** How the API's refusals and its silence fail an activity. */
const API_FAILURES: readonly string[] = [
  'ApiUnavailable',
  'ApiUnauthorized',
  'ApiRefused',
  'SessionNotFound',
];
const POSTS: readonly string[] = ['postResults', 'postStored', 'answerConfirmation'];

/** @param served what this worker serves now: tools of other names are counted as `other`, so that labels are bounded. */
export function activityMetrics(
  meter: MetricMeter,
  served: { readonly tools: readonly Pick<ServedTool, 'name'>[] },
): ActivityInterceptorsFactory {
  const running = meter.createGauge('holdfast_calls_running', 'int', '1', 'calls this worker waits for');
  const duration = meter.createHistogram('holdfast_tool_duration', 'int', 'ms', 'how long tools ran');
  const attached = meter.createCounter('holdfast_reattachments', '1', 'attempts that took a call up again');
  const recovery = meter.createHistogram(
    'holdfast_recovery_time',
    'int',
    'ms',
    'from the last sign of life of an attempt at a call to the next attempt',
  );
  const hosts = meter.createCounter('holdfast_tool_hosts_opened', '1', 'openings of tool hosts');
  const full = meter.createCounter('holdfast_hosts_full', '1', 'openings refused since the machine is full');
  const retries = meter.createCounter('holdfast_post_retries', '1', 'posts that were tried again');
  const reconnects = meter.createCounter('holdfast_stream_reconnects', '1', 'streams of sessions that broke');
  const refused = meter.createCounter(
    'holdfast_api_failures',
    '1',
    'attempts that failed because of the API',
  );
  let calls = 0;

  function ended(outcome: ToolOutcome, name: string): void {
    // One that never started, or whose records are gone, says nothing about its tool.
    if (outcome.starts === 0 || ('evidence' in outcome && outcome.evidence.recordsLost)) return;
    const tool = served.tools.some(one => one.name === name) ? name : 'other';
    const isError = 'isError' in outcome && outcome.isError;
    const kind = outcome.kind === 'stopped' || outcome.kind === 'unknown' ? outcome.kind : 'answered';
    duration.record(Math.max(0, outcome.finishedAt - outcome.startedAt), {
      tool,
      outcome: isError ? 'error' : kind,
    });
  }

  function begun(): void {
    const { activityType, attempt, heartbeatDetails } = activityInfo();
    if (activityType === 'runTool') running.set(++calls);
    if (attempt === 1) return;
    if (POSTS.includes(activityType)) retries.add(1, { activity: activityType });
    if (activityType !== 'runTool') return;
    attached.add(1);
    const { at } = (heartbeatDetails ?? {}) as Partial<RunToolProgress>;
    if (at !== undefined) recovery.record(Math.max(0, Date.now() - at));
  }

  function succeeded(input: unknown, result: unknown): void {
    const { activityType } = activityInfo();
    if (activityType === 'runTool') {
      const answer = result as RunToolResult;
      if (answer.kind === 'outcome') ended(answer.outcome, (input as RunToolInput).call.name);
    } else if (activityType === 'openWorkspace') {
      const { how } = result as Partial<OpenWorkspaceResult>;
      if (how !== undefined) hosts.add(1, { how });
    }
  }

  function failed(error: unknown): void {
    if (!(error instanceof ApplicationFailure)) return;
    const type = error.type ?? '';
    if (type === 'HostFull') full.add(1);
    else if (type === 'StreamLost') reconnects.add(1);
    else if (API_FAILURES.includes(type)) refused.add(1, { activity: activityInfo().activityType, type });
  }

  return () => ({
    inbound: {
      async execute(input, next) {
        begun();
        try {
          const result = await next(input);
          succeeded(input.args[0], result);
          return result;
        } catch (error) {
          failed(error);
          throw error;
        } finally {
          if (activityInfo().activityType === 'runTool') running.set(--calls);
        }
      },
    },
  });
}

/** What became of each try at telling people on duty. */
export function noticeMetrics(meter: MetricMeter) {
  const sent = meter.createCounter('holdfast_notices_sent', '1', 'notices that were taken');
  const failed = meter.createCounter('holdfast_notices_failed', '1', 'tries at a notice that were not taken');
  return (way: NoticeWay, notice: NoticeType, result: 'sent' | 'failed'): void =>
    (result === 'sent' ? sent : failed).add(1, { way, notice });
}
