/** What a worker's request budget does, as metrics among Temporal's own (`HOLDFAST_METRICS`). */
import type { MetricMeter } from '@temporalio/common';
import type { BudgetObserver } from './anthropic/request-budget.ts';

/** 1 while the worker's own question to Temporal is answered, 0 while it is not. */
export function temporalMetric(meter: MetricMeter): (answered: boolean) => void {
  const gauge = meter.createGauge(
    'holdfast_temporal_answers',
    'int',
    '1',
    'whether Temporal answers: 1 or 0',
  );
  return answered => gauge.set(answered ? 1 : 0);
}

/** Tag of all: `kind` (`post`, `read`). */
export function apiMetrics(meter: MetricMeter): BudgetObserver {
  const made = meter.createCounter('holdfast_api_requests', '1', 'requests made to the API');
  const waits = meter.createCounter(
    'holdfast_api_requests_waited',
    '1',
    'requests that waited for the request budget',
  );
  const waitedMs = meter.createCounter('holdfast_api_wait_ms', 'ms', 'time that requests waited for it');
  const limited = meter.createCounter('holdfast_api_rate_limited', '1', 'answers 429');
  const left = meter.createGauge(
    'holdfast_api_budget_left',
    'int',
    '1',
    'requests that could go out at once; absent without a limit',
  );
  return {
    made(kind, now) {
      made.add(1, { kind });
      if (Number.isFinite(now)) left.set(now, { kind });
    },
    waited(kind, ms) {
      waits.add(1, { kind });
      waitedMs.add(Math.round(ms), { kind });
    },
    limited: kind => limited.add(1, { kind }),
  };
}
