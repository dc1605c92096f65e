/** The worker that `durableToolRunner` brings: one for the process, as long as somebody iterates. */
import { type Client, Connection } from '@temporalio/client';
import { readConfig } from '../config.ts';
import { createTemporalClient } from '../data-converter.ts';
import { embeddedServer, onlyHost, withServer } from '../embedded-server.ts';
import { createLog } from '../log.ts';
import { runOptionsOf } from '../run-options.ts';
import { ROLES, startWorker } from '../worker.ts';
import type { RunOptions } from '../workflows/run-input.ts';
import { HoldfastError } from './asking.ts';
import type { SessionCall } from './session-call.ts';
import type { CallsOptions } from './session-handle.ts';
import { start } from './sessions.ts';

/** What the caller decides; all else is `HOLDFAST_*` and `TEMPORAL_*`, as for `holdfast worker`. */
export interface OwnSettings {
  readonly apiKey: string | undefined;
  readonly environmentKey: string | undefined;
  readonly baseURL: string;
  readonly toolsModule: string | undefined;
}

interface OwnWorker {
  readonly client: Client;
  readonly limits: Partial<RunOptions>;
  /** Rejects when the worker ended by itself. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

interface Shared {
  readonly key: string;
  readonly ready: Promise<OwnWorker>;
  users: number;
}

let shared: Shared | undefined;
/** A process can have one native worker at a time: the next waits for the end of the last. */
let ended: Promise<unknown> = Promise.resolve();

export async function* serveWith(
  settings: OwnSettings,
  sessionId: string,
  limits: Partial<RunOptions>,
  options: CallsOptions,
): AsyncGenerator<SessionCall, void, undefined> {
  const { worker, release } = await acquire(settings);
  const left = new AbortController();
  const { signal: given } = options;
  const signal = given === undefined ? left.signal : AbortSignal.any([left.signal, given]);
  let failure: { error: unknown } | undefined;
  worker.failed.catch(error => {
    failure = { error };
    left.abort();
  });
  try {
    const { client } = worker;
    const handle = await start(sessionId, { client, ...worker.limits, ...limits });
    yield* handle.calls({ ...options, signal });
    const { state, reason } = await handle.untilDone({ signal });
    if (state === 'failed') throw new HoldfastError(`the run of ${sessionId} failed: ${reason}`);
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    if (!given?.aborted) throw error;
  } finally {
    left.abort();
    await release();
  }
}

/** @returns the process's worker, to be released once. */
async function acquire(
  settings: OwnSettings,
): Promise<{ readonly worker: OwnWorker; release(): Promise<void> }> {
  const key = JSON.stringify(settings);
  if (shared !== undefined && shared.key !== key)
    throw new HoldfastError(
      'this process serves another session with other tools or another key: one set of them at a time',
    );
  shared ??= { key, users: 0, ready: ended.then(() => open(settings)) };
  const mine = shared;
  mine.users++;
  const leave = async (close: () => Promise<void>) => {
    if (--mine.users > 0) return;
    shared = undefined;
    ended = close();
    await ended;
  };
  try {
    const worker = await mine.ready;
    return { worker, release: () => leave(() => worker.close()) };
  } catch (error) {
    await leave(async () => {});
    throw error;
  }
}

async function open(settings: OwnSettings): Promise<OwnWorker> {
  const { apiKey, environmentKey, baseURL, toolsModule } = settings;
  const given = readConfig();
  // The session is the caller's choice: nothing is taken from a work queue.
  const anthropic = { ...given.anthropic, apiKey, environmentKey, baseURL, environmentId: undefined };
  const config = { ...given, anthropic, toolsModule: toolsModule ?? given.toolsModule };
  const server = config.temporal.isGiven ? undefined : await embeddedServer(config, {});
  try {
    const serving = server === undefined ? config : onlyHost(withServer(config, server));
    const { address, connection: options } = serving.temporal;
    const connection = Connection.lazy({ ...options, address });
    const worker = await startWorker(serving, ROLES, createLog({ format: serving.log, least: 'WARN' }));
    let closing = false;
    const failed = worker.done.then(
      () =>
        closing ? new Promise<never>(() => {}) : Promise.reject(new HoldfastError('the worker has ended')),
      error => Promise.reject(error),
    );
    failed.catch(() => {});
    return {
      client: createTemporalClient(serving, connection),
      limits: runOptionsOf(serving),
      failed,
      async close() {
        closing = true;
        worker.shutdown();
        await worker.done.catch(() => {});
        await connection.close();
        await server?.close();
      },
    };
  } catch (error) {
    await server?.close();
    throw error;
  }
}
