/** The worker's side of its health (worker-health.ts): it asks Temporal, and writes down how that went. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime } from '@temporalio/worker';
import { temporalMetric } from './api-metrics.ts';
import { errorText } from './error-text.ts';
import { HEALTH_FILE, type HealthReport, REPORT_EVERY_MS } from './worker-health.ts';

export interface HealthOptions {
  /** The folder of this worker process in the state folder. */
  readonly folder: string;
  readonly roles: readonly string[];
  /** Names the server for people. */
  readonly temporal: string;
  /** Asks the server; rejects while it is gone, within seconds. */
  readonly probe: () => Promise<unknown>;
  /** Told after each probe; by default the metric. */
  readonly onProbed?: (answered: boolean) => void;
  /** Between two reports, ms (5,000). */
  readonly everyMs?: number;
}

export interface HealthReporting {
  /** Says that the worker is about to end, and writes no more. */
  stop(): void;
}

/** Reports from now on, beginning with a server that has just answered. */
export function reportHealth(options: HealthOptions): HealthReporting {
  const { folder, roles, temporal, probe, everyMs = REPORT_EVERY_MS } = options;
  const onProbed = options.onProbed ?? temporalMetric(Runtime.instance().metricMeter);
  let lost: HealthReport['lost'] = null;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const say = () => {
    const report: HealthReport = { roles, temporal, lost, stopping: stopped };
    try {
      const path = join(folder, HEALTH_FILE);
      writeFileSync(`${path}.tmp`, JSON.stringify(report), { mode: 0o600 });
      renameSync(`${path}.tmp`, path);
    } catch {
      // What cannot be written goes stale, and says so by that.
    }
  };
  const ask = async () => {
    try {
      await probe();
      lost = null;
    } catch (error) {
      lost = { since: lost?.since ?? Date.now(), reason: errorText(error) };
    }
    if (stopped) return;
    onProbed(lost === null);
    say();
    next();
  };
  const next = () => {
    timer = setTimeout(() => void ask(), everyMs).unref();
  };
  onProbed(true);
  say();
  next();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      say();
    },
  };
}
