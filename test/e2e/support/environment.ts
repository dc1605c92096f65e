/** Worlds whose workers serve the work queue of an environment. */
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'vitest';
import type { EnvironmentHandle, WorkReport } from '../../../src/emulator/environment-handle.ts';
import type { Faults } from '../../../src/emulator/faults.ts';
import type { CreateOptions, SessionHandle } from '../../../src/emulator/handle.ts';
import type { RequestEntry } from '../../../src/emulator/request-log.ts';
import { eventually } from './eventually.ts';
import type { HoldfastProcess } from './holdfast-process.ts';
import { type World, type WorldOptions, world } from './world.ts';

export const ENVIRONMENT = 'env_1';
export const ENVIRONMENT_KEY = 'sk-ant-oat01-planted-environment-key';

export interface EnvironmentWorldOptions extends WorldOptions {
  /** Of a lease, ms (6,000): a lost one is offered again that soon. */
  readonly leaseTtlMs?: number;
}

/** Options of a world with one environment; its workers poll it, with nothing but its key. */
export function withEnvironment(options: EnvironmentWorldOptions = {}): WorldOptions {
  const { leaseTtlMs = 6_000, env, ...rest } = options;
  return {
    environments: [{ id: ENVIRONMENT, keys: [ENVIRONMENT_KEY], leaseTtlMs }],
    workerArgs: ['--max-idle', '700ms'],
    ...rest,
    env: {
      ANTHROPIC_API_KEY: undefined,
      ANTHROPIC_ENVIRONMENT_ID: ENVIRONMENT,
      ANTHROPIC_ENVIRONMENT_KEY: ENVIRONMENT_KEY,
      // Several state folders share the queue.
      HOLDFAST_KEY: KEY,
      ...env,
    },
  };
}

export const KEY = randomBytes(32).toString('base64');

export function environmentOf(w: World): EnvironmentHandle {
  return w.emulator.environment(ENVIRONMENT);
}

/** A session of the environment: the queue has an item for it at once. */
export function queued(w: World, script: CreateOptions['script'], more: CreateOptions = {}): SessionHandle {
  return w.session(script, { environmentId: ENVIRONMENT, ...more });
}

/** The newest item of a session. */
export function itemOf(w: World, session: SessionHandle): WorkReport {
  const item = environmentOf(w).workOf(session.id).at(-1);
  if (item === undefined) throw new Error(`${session.id} has no work item`);
  return item;
}

/**
 * What was done to an item, in order, refusals as `act:status`, beats in a row as one. A beat that was under way when
 * the item was stopped counts for nothing.
 */
export function actsOf(w: World, session: SessionHandle, index = -1): string[] {
  const item = environmentOf(w).workOf(session.id).at(index);
  const acts = (item?.history ?? []).map(({ act, refused }) =>
    refused === undefined ? act : `${act}:${refused}`,
  );
  const end = acts.indexOf('stopped');
  return acts.filter((act, i) => act !== 'beat' || (acts[i - 1] !== 'beat' && (end < 0 || i < end)));
}

/** Of those what should not have been: a lapsed lease, a refusal. */
export function oddActsOf(w: World, session: SessionHandle): string[] {
  return actsOf(w, session).filter(act => /requeued|:/.test(act));
}

/** Waits until an item of the session is in this state. */
export async function inState(
  w: World,
  session: SessionHandle,
  state: WorkReport['state'],
): Promise<WorkReport> {
  return eventually(`the item of ${session.id} is ${state}`, () =>
    environmentOf(w)
      .workOf(session.id)
      .find(item => item.state === state),
  );
}

/** Requests about a session or its items, oldest first. */
export function requestsOf(w: World, session: SessionHandle): RequestEntry[] {
  const items = new Set(
    environmentOf(w)
      .workOf(session.id)
      .map(({ id }) => id),
  );
  return w.emulator
    .requests()
    .filter(({ session_id, work_id }) => session_id === session.id || items.has(work_id ?? ''));
}

/** Waits until the session's run has ended, and tells what it came to. */
export async function endOf(w: World, session: SessionHandle): Promise<{ state: string; reason: string }> {
  const handle = w.client.workflow.getHandle(session.id);
  await eventually(`${session.id} has a run`, () =>
    handle.describe().then(
      () => true,
      () => undefined,
    ),
  );
  return handle.result() as Promise<{ state: string; reason: string }>;
}

/** What a run noted for people. */
export async function recordOf(w: World, session: SessionHandle): Promise<string[]> {
  return (await w.status(session.id)).record.map(({ what }) => what);
}

/** A world whose queue has these faults, and a worker that serves it. */
export async function faulty(
  context: TestContext,
  faults: Faults,
  options: { leaseTtlMs?: number; flags?: readonly string[] } & WorldOptions = {},
): Promise<{ w: World; worker: HoldfastProcess }> {
  const { flags = [], ...rest } = options;
  const w = await world(context, withEnvironment(rest));
  environmentOf(w).setFaults(faults);
  const worker = await w.worker('--max-idle', '700ms', ...flags);
  return { w, worker };
}

/** Ids of a session's runs, oldest first. */
export async function runs(w: World, session: SessionHandle): Promise<string[]> {
  return eventually(`${session.id} has a run`, async () => {
    const found: string[] = [];
    for await (const { runId, startTime } of w.client.workflow.list({
      query: `WorkflowId = '${session.id}'`,
    }))
      found.push(`${startTime.getTime()} ${runId}`);
    return found.length > 0 && found.sort().map(line => line.split(' ')[1] ?? '');
  });
}

/** Ends a session whatever is open in it. */
export async function settle(w: World, session: SessionHandle): Promise<void> {
  session.emit([{ type: 'session.status_terminated' }]);
  await eventually(`no run of ${session.id} is under way`, async () => {
    const { status } = await w.client.workflow.getHandle(session.id).describe();
    return (
      status.name !== 'RUNNING' &&
      environmentOf(w)
        .workOf(session.id)
        .every(({ state }) => state === 'stopped')
    );
  });
}
