/** A worker's side of the API: its clients, its request budget, and the credential that each activity uses. */
import { type ActivityInterceptorsFactory, type Logger, Runtime } from '@temporalio/worker';
import type { MountSettings } from './activities/mount.ts';
import { createCredentialedFeed, credentialInterceptor } from './activities/session-credential.ts';
import { createItemClients } from './anthropic/item-clients.ts';
import { createRequestBudget } from './anthropic/request-budget.ts';
import { createSessionFeed, type SessionFeed } from './anthropic/session-feed.ts';
import { createWorkQueue, type WorkQueue } from './anthropic/work-queue.ts';
import { apiMetrics } from './api-metrics.ts';
import type { Config } from './config.ts';
import { type KeyRing, loadKeyRing, SealingError } from './key-ring.ts';
import { warnings } from './log.ts';
import { createSealing, type Sealing } from './sealing.ts';
import { openTracing } from './tracing.ts';

export interface WorkerApi {
  /** Uses the credential of the activity that asks. */
  readonly feed: SessionFeed;
  readonly workQueue: WorkQueue;
  /** Give each activity the credential that its input tells of, and a span where spans are wanted. */
  readonly interceptors: readonly ActivityInterceptorsFactory[];
  readonly keys: KeyRing;
  /** Undefined where this host has no key: nothing can be sealed or opened. */
  readonly sealing: Sealing | undefined;
  close(): Promise<void>;
}

/** What is wrong with the credentials of a configuration; undefined: nothing. */
export function credentialProblem({ anthropic }: Pick<Config, 'anthropic'>): string | undefined {
  const { apiKey, environmentKey, environmentId } = anthropic;
  if (environmentId !== undefined && environmentKey === undefined)
    return 'ANTHROPIC_ENVIRONMENT_ID names a work queue, and only its key opens it: set ANTHROPIC_ENVIRONMENT_KEY';
  if (apiKey === undefined && environmentKey === undefined)
    return 'no API key: set ANTHROPIC_API_KEY (or ANTHROPIC_ENVIRONMENT_KEY)';
  return undefined;
}

/**
 * @param workerId names this worker at the work queue.
 * @throws SealingError for a key file that cannot be used.
 */
export async function openApi(config: Config, workerId: string, logger: Logger): Promise<WorkerApi> {
  const { anthropic, otlpEndpoint, perMinute } = config;
  const log = warnings(logger);
  const budget = createRequestBudget({ perMinute, observe: apiMetrics(Runtime.instance().metricMeter), log });
  const clients = createItemClients(anthropic);
  const own = createSessionFeed(clients('holdfast', null), { budget, log });
  const feed = createCredentialedFeed(token =>
    token === null
      ? own
      : createSessionFeed(clients('environments-worker, holdfast', token), { budget, log }),
  );
  // Whoever serves a queue or encrypts seals; who only opens must have been given the key.
  const seals = anthropic.environmentId !== undefined || config.encryptsPayloads;
  const keys = await loadKeyRing(config, seals);
  const { current, all } = keys;
  const sealing = current && createSealing(current, all);
  const open = (sealed: string, sessionId: string) => {
    if (sealing === undefined)
      throw new SealingError('this worker has no key: set the same HOLDFAST_KEY on all workers');
    return sealing.open(sealed, sessionId);
  };
  const tracing = otlpEndpoint === undefined ? undefined : await openTracing(otlpEndpoint);
  return {
    feed,
    workQueue: createWorkQueue(clients, workerId),
    interceptors: [credentialInterceptor(open), ...(tracing === undefined ? [] : [tracing.interceptor])],
    close: async () => tracing?.close(),
    sealing,
    keys,
  };
}

/** What tool hosts are told of the API, for skills and memory stores. */
export function mountsOf({ anthropic, memory }: Config): MountSettings {
  const { baseURL, headers } = anthropic;
  return { baseURL, headers, memorySyncMs: memory.syncMs, memoryDeletions: memory.deletions };
}
