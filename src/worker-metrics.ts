/** A worker's own metrics among those of Temporal's SDK (docs/metrics.md). */
import type { Client } from '@temporalio/client';
import { type ActivityInterceptorsFactory, type Logger, Runtime } from '@temporalio/worker';
import type { NotifyDeps } from './activities/notify.ts';
import { activityMetrics, noticeMetrics } from './activity-metrics.ts';
import type { ServedTools } from './served-tools.ts';
import { countSessions } from './session-counts.ts';

export interface WorkerMetrics {
  readonly interceptor: ActivityInterceptorsFactory;
  readonly observeNotices: NonNullable<NotifyDeps['observe']>;
  stop(): void;
}

export interface MetricsOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly served: ServedTools;
  readonly searchAttributes: boolean;
  /** Whether this worker asks Temporal how many sessions there are: a question that each asker pays for. */
  readonly countsSessions: boolean;
}

export function openMetrics({ countsSessions, served, ...rest }: MetricsOptions): WorkerMetrics {
  const meter = Runtime.instance().metricMeter;
  const counting = countsSessions ? countSessions({ ...rest, meter }) : undefined;
  return {
    interceptor: activityMetrics(meter, served),
    observeNotices: noticeMetrics(meter),
    stop: () => counting?.stop(),
  };
}
