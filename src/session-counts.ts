/** How many sessions there are, as a metric: asked of Temporal's list, which knows of all of them, by each worker. */
import type { Client } from '@temporalio/client';
import type { MetricMeter } from '@temporalio/common';
import type { Logger } from '@temporalio/worker';
import { errorLine } from './error-text.ts';

const EVERY_MS = 15_000;
const RUNNING = "WorkflowType = 'runSession' AND ExecutionStatus = 'Running'";
const QUERIES = {
  running: RUNNING,
  held: `${RUNNING} AND HoldfastHeldCalls > 0`,
  stuck: `${RUNNING} AND HoldfastState = 'stuck'`,
} as const;

export interface CountOptions {
  readonly client: Pick<Client, 'workflow'>;
  readonly meter: MetricMeter;
  readonly logger: Logger;
  /** Where the server does not know them, only all sessions can be counted. */
  readonly searchAttributes: boolean;
  /** Milliseconds between two counts (15,000). */
  readonly everyMs?: number;
}

/** Counts at once, and regularly. While Temporal does not answer, the last counts stand. */
export function countSessions(options: CountOptions): { stop(): void } {
  const { client, meter, logger, searchAttributes, everyMs = EVERY_MS } = options;
  const gauge = meter.createGauge('holdfast_sessions', 'int', '1', 'sessions whose run is under way');
  let busy = false;
  const ask = async () => {
    if (busy) return;
    busy = true;
    try {
      for (const [state, query] of Object.entries(QUERIES)) {
        if (!searchAttributes && state !== 'running') continue;
        gauge.set((await client.workflow.count(query)).count, { state });
      }
    } catch (error) {
      logger.debug(`could not count sessions: ${errorLine(error)}`);
    } finally {
      busy = false;
    }
  };
  void ask();
  const timer = setInterval(ask, everyMs).unref();
  return { stop: () => clearInterval(timer) };
}
