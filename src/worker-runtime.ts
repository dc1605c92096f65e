/** The runtime of Temporal's core in a worker process: its log and its metrics. */
import { IllegalStateError } from '@temporalio/common';
import { type Logger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { BUCKETS } from './activity-metrics.ts';
import { errorText } from './error-text.ts';
import { sayOutagesOnce } from './outage-log.ts';
import { WorkerError } from './worker-error.ts';

export interface RuntimeSettings {
  /** Names the server in the log. */
  readonly address: string;
  /** Asks the server; rejects while it is gone. */
  readonly probe: () => Promise<unknown>;
  /** Where Prometheus may read metrics; undefined: nowhere. */
  readonly metrics: string | undefined;
}

/** @throws WorkerError where the metrics cannot be served, or the process has a runtime already. */
export function installRuntime(logger: Logger, { address, probe, metrics }: RuntimeSettings): void {
  const logging = { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) };
  try {
    Runtime.install({
      logger: sayOutagesOnce(logger, { address, probe }),
      // Signals are ours to handle: `up` closes the server only after the worker.
      shutdownSignals: [],
      telemetryOptions: {
        logging,
        ...(metrics === undefined
          ? {}
          : { metrics: { prometheus: { bindAddress: metrics, histogramBucketOverrides: BUCKETS } } }),
      },
    });
  } catch (error) {
    if (error instanceof IllegalStateError)
      throw new WorkerError(
        'this process runs a Temporal worker already, and can have one runtime: start holdfast in another',
        true,
      );
    throw new WorkerError(`cannot serve metrics (HOLDFAST_METRICS): ${errorText(error)}`, true);
  }
}
