/** How the demo's session is served: the process, the run's end, and what is known of its tools' runs. */
import { startSession, summaryOfRun } from '../../client.ts';
import { type CallRecord, callsQuery } from '../../workflows/messages.ts';
import type { Env } from '../child-env.ts';
import { runsOfRecords } from './call-spans.ts';
import type { Act } from './performance.ts';
import { holdfastRunner, sdkRunner } from './runner.ts';
import type { Scene } from './scene.ts';
import { readRuns } from './sdk-runs.ts';
import type { DemoTemporal } from './temporal.ts';
import type { Span } from './timeline.ts';

export interface Served extends Pick<Act, 'runner' | 'serve'> {
  /** Each call's runs by its id, as far as they are known. Never rejects. */
  readonly runs: (killedAt: number | undefined) => Promise<ReadonlyMap<string, readonly Span[]>>;
  /** Stops waiting for the run. To be called before the connection is closed. */
  readonly leave: () => Promise<void>;
}

export interface Place {
  readonly scene: Scene;
  readonly env: Env;
  readonly apiUrl: string;
  readonly sessionId: string;
}

/** The run ends so long after the agent's turn has ended. */
const MAX_IDLE_MS = 1_000;
const QUERY_MS = 3_000;

export function servedByHoldfast({ scene, env, apiUrl, sessionId }: Place, temporal: DemoTemporal): Served {
  const { client } = temporal;
  let records: readonly CallRecord[] | undefined;
  // A request that waits when its connection closes would be retried on it, and throws where nobody can catch it.
  const left = new AbortController();
  let waiting: Promise<unknown> = Promise.resolve();
  const run = async () => summaryOfRun(await startSession(client, sessionId, { maxIdleMs: MAX_IDLE_MS }));
  return {
    runner: holdfastRunner(scene, { env, apiUrl, temporal }),
    serve: async () => {
      const summarised = client.connection.withAbortSignal(left.signal, run);
      waiting = summarised.catch(() => {});
      const summary = await summarised;
      records = summary.calls;
      return summary.state === 'done' ? undefined : `the run ${summary.state}: ${summary.reason}`;
    },
    runs: async () => {
      const asked = () => client.workflow.getHandle(sessionId).query(callsQuery);
      // A run that did not end may still tell what it knows.
      records ??= await client.withDeadline(Date.now() + QUERY_MS, asked).catch(() => []);
      return runsOfRecords(records);
    },
    leave: async () => {
      left.abort();
      await waiting;
    },
  };
}

export function servedBySdk({ scene, env, apiUrl, sessionId }: Place): Served {
  return {
    runner: sdkRunner(scene, env, { apiUrl, sessionId, maxIdleMs: MAX_IDLE_MS }),
    serve: undefined,
    runs: killedAt => readRuns(scene.folder, killedAt),
    leave: async () => {},
  };
}
