/** The composition root: makes the parts of a worker process and hands them to Temporal (design §1). */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { getClient } from '@temporalio/activity';
import { type Logger, Worker, type WorkerOptions } from '@temporalio/worker';
import { openAttempts } from './activities/attempts.ts';
import { createBatchSignal } from './activities/batch-signal.ts';
import {
  createListenerActivities,
  createSessionActivities,
  createToolActivities,
  type SessionDeps,
} from './activities/index.ts';
import { createLastHostLookup } from './activities/last-host.ts';
import { createParkedStreams } from './activities/parked-streams.ts';
import { createOwnResults } from './anthropic/own-results.ts';
import type { Config } from './config.ts';
import { createTemporalClient, dataConverter } from './data-converter.ts';
import { turnOnFailpoints } from './failpoint.ts';
import { reportHealth } from './health-report.ts';
import { reloadOnChange } from './hot-reload.ts';
import { lookAfterOrphans } from './housekeeping.ts';
import { sayUnreadable, workerIdentity } from './keys-in-use.ts';
import { warnings } from './log.ts';
import { registerSearchAttributes } from './register-search-attributes.ts';
import { searchAttributes } from './search-attributes.ts';
import { type Sweeping, sweepRegularly } from './sweeping.ts';
import { hostId } from './tool-host/host-id.ts';
import { DEFAULT_LIMITS } from './tool-host/limits.ts';
import { mountsOf, openApi } from './worker-api.ts';
import { connectWorker } from './worker-connection.ts';
import { sayCurrent, versioned } from './worker-deployment.ts';
import { type IntakeFlags, intakeOf } from './worker-intake.ts';
import { openMetrics } from './worker-metrics.ts';
import { prepareWorker } from './worker-preparation.ts';
import { installRuntime } from './worker-runtime.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { workflowFailpoints } from './workflow-failpoints.ts';
import {
  controlQueue,
  LISTENERS_QUEUE,
  SESSIONS_QUEUE,
  TOOLS_QUEUE,
  toolsQueue,
} from './workflows/activity-options.ts';

export const ROLES = ['sessions', 'listeners', 'tools'] as const;
export type Role = (typeof ROLES)[number];

/** A deploy, a reboot or a short outage must not move a session away from its files. */
const HOST_LOST_MS = 300_000;

export interface WorkerFlags extends IntakeFlags {
  /** Whether an edit of the tools module takes effect at once. */
  readonly reload?: boolean;
}

export interface RunningWorker {
  readonly hostId: string | undefined;
  /** Resolves when the worker has ended in order; rejects when it failed. */
  readonly done: Promise<void>;
  /** Lets go of all activities at once; running tools never notice (§4). */
  shutdown(): void;
}

/**
 * Starts the workers of these roles in this process. They poll once this resolves.
 *
 * @throws WorkerError for a state folder, a tools module or a Temporal server that cannot be used.
 */
export async function startWorker(
  config: Config,
  roles: readonly Role[],
  logger: Logger,
  flags: WorkerFlags = {},
): Promise<RunningWorker> {
  const { failpoints: folder } = config;
  if (folder !== undefined) turnOnFailpoints({ folder, kind: 'worker' });
  const pinned = flags.reload === true;
  const { served, toolUser, toolEnv } = await prepareWorker(config, roles.includes('tools'), pinned);
  const { address, namespace, version } = config.temporal;
  const probe = async (): Promise<void> => {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  };
  installRuntime(logger, { address, probe, metrics: config.metrics });
  const { connection, namespaceId, retentionMs } = await connectWorker(config);
  const attempts = openAttempts(config.stateDir, roles.includes('sessions'));
  const host = roles.includes('tools') ? await hostId(config.stateDir) : undefined;
  const client = createTemporalClient(config, connection);
  const attributes = await registerSearchAttributes(connection, namespace, searchAttributes);
  if (attributes.kind === 'refused')
    logger.warn(`search attributes are not registered, runs go on without: ${attributes.reason}`);

  const ownResults = createOwnResults();
  const parked = createParkedStreams();
  const log = warnings(logger);
  const api = await openApi(config, `${hostname()}-${randomUUID()}`, logger);
  const knowsAttributes = attributes.kind !== 'refused';
  const countsSessions = config.metrics !== undefined && roles.includes('sessions');
  const metrics = openMetrics({ client, logger, served, searchAttributes: knowsAttributes, countsSessions });
  const deps: SessionDeps = {
    feed: api.feed,
    workQueue: api.workQueue,
    log,
    ownResults,
    parked,
    attempts,
    signal: createBatchSignal(getClient),
    lastHost: createLastHostLookup(getClient, { log }),
    searchAttributes: knowsAttributes,
    notify: { ...config.notices, env: config.env, log, observe: metrics.observeNotices },
  };
  const interceptors = { activity: [metrics.interceptor, ...api.interceptors] };
  const common = {
    ...{ connection, namespace, interceptors, shutdownGraceTime: 0 },
    ...{ dataConverter: dataConverter(config), identity: workerIdentity(config, api.keys) },
  };
  const create = (taskQueue: string, slots: number, options: Partial<WorkerOptions>) =>
    Worker.create({ ...common, taskQueue, maxConcurrentActivityTaskExecutions: slots, ...options });
  const workers: Promise<Worker>[] = [];
  if (roles.includes('sessions')) {
    workers.push(
      create(SESSIONS_QUEUE, 200, {
        ...(workflowFailpoints() ?? { workflowBundle: await bundle(config, logger) }),
        activities: createSessionActivities(deps),
        stickyQueueScheduleToStartTimeout: 1_000,
        ...versioned(version),
      }),
    );
  }
  if (roles.includes('listeners'))
    workers.push(create(LISTENERS_QUEUE, 5_000, { activities: createListenerActivities(deps) }));
  let closeTools = () => {};
  let onSwept = (_live: ReadonlySet<string>) => {};
  if (host !== undefined) {
    const { stateDir, toolsModule, toolCommand, keep, hostIdleMs, maxHosts } = config;
    const hostLostMs = config.hostLostMs ?? HOST_LOST_MS;
    if (hostLostMs > 0 && retentionMs < (keep.afterMs ?? Number.POSITIVE_INFINITY))
      logger.warn(
        `namespace ${namespace} forgets runs after ${retentionMs / 86_400_000} days, before workspaces are deleted ` +
          '(HOLDFAST_KEEP): a session that comes back after that may be served by another host, without its files',
      );
    // A session that may run more calls at a time needs as many threads for them.
    const maxThreads = Math.max(DEFAULT_LIMITS.maxThreads, config.maxParallel);
    const limits = { unspokenMs: hostIdleMs, maxThreads };
    const hungAfterMs = config.hostHungMs;
    const settings = {
      ...{
        stateDir,
        toolsModule,
        served,
        toolEnv,
        toolCommand,
        toolUser,
        hostLostMs,
        namespaceId,
        keep,
        limits,
        hungAfterMs,
      },
    };
    const mounts = mountsOf(config);
    const tools = createToolActivities({
      ...deps,
      settings,
      mounts,
      hostId: host,
      maxHosts,
      described: served,
    });
    closeTools = tools.close;
    onSwept = tools.forgetAllBut;
    workers.push(
      create(TOOLS_QUEUE, 100, { activities: tools.any }),
      create(toolsQueue(host), maxHosts * config.maxParallel + 100, { activities: tools.host }),
      create(controlQueue(host), 100, { activities: tools.control }),
    );
  }
  const created = await Promise.all(workers);
  const runs = created.map(worker => worker.run());
  if (version !== undefined && roles.includes('sessions'))
    void sayCurrent(connection, namespace, version, logger);
  void sayUnreadable(connection, namespace, api.keys, logger);
  const orphans = lookAfterOrphans(config.stateDir, client, logger);
  let sweeping: Sweeping | undefined;
  if (host !== undefined) {
    const { stateDir, keep, sweepMs: everyMs, hostIdleMs: abandonedMs } = config;
    sweeping = sweepRegularly({
      ...{ stateDir, client, logger, keep, everyMs, abandonedMs, namespaceId, onSwept },
    });
  }
  const intake = roles.includes('sessions') ? intakeOf(config, { client, ...api }, logger, flags) : undefined;
  const health = reportHealth({ folder: attempts.folder, roles, temporal: `${address}/${namespace}`, probe });
  const reload = reloadOnChange({ config: { ...config, toolEnv, toolUser }, served, client, logger });
  const shutdown = () => {
    reload?.stop();
    health.stop();
    metrics.stop();
    intake?.stop();
    for (const worker of created) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // A queue that was drained ends the worker, and so does one that refuses to be polled.
  const taken = intake?.done.then(shutdown);
  const done = Promise.all([...runs, taken]).then(
    () => undefined,
    async error => {
      shutdown();
      await Promise.allSettled(runs);
      throw error;
    },
  );
  return {
    hostId: host,
    shutdown,
    done: done.finally(async () => {
      clearInterval(orphans);
      sweeping?.stop();
      parked.close();
      closeTools();
      await attempts.close();
      await api.close();
      await connection.close();
    }),
  };
}

const bundle = ({ cacheDir, encryptsPayloads }: Config, logger: Logger) =>
  workflowBundle(cacheDir, logger, encryptsPayloads);
