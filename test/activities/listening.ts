/** Runs the `listen` activity against an emulator and takes down what it signals. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createListen,
  type ListenDeps,
  type ListenHeartbeat,
  type ListenInput,
  type ListenResult,
} from '../../src/activities/listen.ts';
import type { ListenerOptions, SignalAnswer } from '../../src/activities/listener.ts';
import { createParkedStreams, type ParkedStreams } from '../../src/activities/parked-streams.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createOwnResults, type OwnResults } from '../../src/anthropic/own-results.ts';
import type { RequestBudget } from '../../src/anthropic/request-budget.ts';
import { createSessionFeed, type SessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { EventBatch } from '../../src/workflows/messages.ts';
import { until } from '../support/until.ts';

type Signal = ListenDeps['signal'];

/** Which listening a signal belongs to. */
const surroundings = new AsyncLocalStorage<unknown>();

export interface Listening {
  readonly batches: EventBatch[];
  readonly heartbeats: ListenHeartbeat[];
  /** Settles with the activity; a rejection that nobody awaits is no failure of the test. */
  readonly result: Promise<ListenResult>;
  /** All events that were signalled, in order. */
  events(): SessionEvent[];
  types(): string[];
  /** Waits until the activity has signalled the end of its history. */
  listed(): Promise<void>;
  cancel(details?: ConstructorParameters<typeof ActivityCancellationDetails>[0]): void;
}

export interface ListenOptions extends Partial<ListenInput> {
  readonly attempt?: number;
  readonly heartbeatDetails?: ListenHeartbeat;
  readonly options?: Partial<ListenerOptions>;
  /** What becomes of each signal; taken down only if accepted. */
  readonly answer?: (batch: EventBatch) => SignalAnswer | Promise<SignalAnswer>;
}

export interface Worker {
  readonly feed: SessionFeed;
  readonly ownResults: OwnResults;
  readonly parked: ParkedStreams;
  listen(sessionId: string, options?: ListenOptions): Listening;
  /** Lets go of all that was started. */
  close(): Promise<void>;
}

/** Everything that one worker process shares between its leases. */
export function startWorker(baseURL: string, ttlMs?: number, budget?: RequestBudget): Worker {
  const feed = createSessionFeed(createClient({ baseURL, apiKey: 'key' }), {
    requestMs: 5_000,
    ...(budget ? { budget } : {}),
    log: () => undefined,
  });
  const ownResults = createOwnResults();
  const parked = createParkedStreams(ttlMs);
  const running: Listening[] = [];
  const signals = new Map<unknown, Signal>();
  const common = createListen({
    feed,
    ownResults,
    parked,
    signal: (workflowId, batch) => {
      const signal = signals.get(surroundings.getStore());
      if (signal === undefined) throw new Error('signalled outside of an activity');
      return signal(workflowId, batch);
    },
  });
  const shared = (env: unknown) => (input: ListenInput) => surroundings.run(env, () => common(input));

  function listen(sessionId: string, given: ListenOptions = {}): Listening {
    const { attempt = 1, heartbeatDetails, options, answer, ...input } = given;
    const batches: EventBatch[] = [];
    const heartbeats: ListenHeartbeat[] = [];
    const env = new MockActivityEnvironment(
      { attempt, heartbeatDetails, workflowExecution: { workflowId: sessionId, runId: 'run' } },
      { logger: new DefaultLogger('ERROR') },
    );
    env.on('heartbeat', details => heartbeats.push(details));
    const signal: Signal = async (workflowId, batch) => {
      if (workflowId !== sessionId) throw new Error(`signalled ${workflowId}`);
      // As on the wire: what is not JSON does not arrive.
      const copy = JSON.parse(JSON.stringify(batch)) as EventBatch;
      const answered = (await answer?.(copy)) ?? 'accepted';
      if (answered === 'accepted') batches.push(copy);
      return answered;
    };
    signals.set(env, signal);
    // One activity for all leases of a worker, as in a worker, unless a test wants other limits.
    const activity = options ? createListen({ feed, ownResults, parked, signal, options }) : shared(env);
    const result: Promise<ListenResult> = env.run(activity, {
      sessionId,
      epoch: 1,
      lease: 1,
      cursor: { at: null },
      known: [],
      leaseMs: 600_000,
      maxEvents: 500,
      ...input,
    });
    result.catch(() => undefined);
    const listening: Listening = {
      batches,
      heartbeats,
      result,
      events: () => batches.flatMap(batch => batch.events),
      types: () => batches.flatMap(batch => batch.events.map(event => event.type)),
      listed: async () => {
        await until('the history is signalled', () => batches.some(batch => batch.listed));
      },
      cancel: details => env.cancel('CANCELLED', details && new ActivityCancellationDetails(details)),
    };
    running.push(listening);
    return listening;
  }

  return {
    feed,
    ownResults,
    parked,
    listen,
    async close() {
      parked.close();
      for (const listening of running) listening.cancel();
      await Promise.allSettled(running.map(listening => listening.result));
    },
  };
}
