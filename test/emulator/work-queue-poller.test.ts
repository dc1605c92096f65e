/** The SDK's WorkPoller against the work queue: claims, acks, drain, back-off, and what it is weak at. */
import { expect, test } from 'vitest';
import type { EnvironmentHandle } from '../../src/emulator/environment-handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import { loggingClient } from './sdk-support.ts';
import { acts, FROZEN, queueFor } from './work-support.ts';

function pollerOf(emulator: Emulator, environment: EnvironmentHandle, options: object = {}) {
  const lines: string[] = [];
  const poller = loggingClient(emulator, lines).beta.environments.work.poller({
    environmentId: environment.id,
    environmentKey: environment.key,
    drain: true,
    blockMs: null,
    ...options,
  });
  return { poller, lines };
}

test('drain serves what is queued and ends; each item is acked before and stopped after its turn', async () => {
  const { emulator, environment } = await queueFor();
  const queued = [environment.enqueue().id, environment.enqueue().id];
  const { poller } = pollerOf(emulator, environment, { workerId: 'drainer' });
  const served: string[] = [];
  for await (const work of poller) {
    expect(acts(environment, work.id)).toEqual(['queued', 'polled', 'acked']);
    served.push(work.id);
  }
  expect(served).toEqual(queued);
  for (const id of queued) {
    expect(acts(environment, id)).toEqual(['queued', 'polled', 'acked', 'stop']);
    expect(environment.item(id).state, 'a graceful stop').toBe('stopping');
  }
  const polls = emulator.requests().filter(({ route }) => route === 'work_poll');
  expect(polls.map(({ path }) => path)).toEqual(
    Array(3).fill(`/v1/environments/${environment.id}/work/poll`),
  );
  expect(environment.info().stats).toMatchObject({ depth: 0, workers_polling: 1 });
});

test('a stop that comes too late is a 409, and not told', async () => {
  const { emulator, environment } = await queueFor();
  const { id } = environment.enqueue();
  const { poller, lines } = pollerOf(emulator, environment);
  for await (const work of poller) environment.stop(work.id, true);
  expect(acts(environment, id).at(-1)).toBe('stop:409');
  expect(lines.filter(line => line.startsWith('warn'))).toEqual([]);
});

test.each([
  ['an answer of 503', { fail: [{ route: 'work_poll', status: 503 }] }],
  ['an answer of 429', { fail: [{ route: 'work_poll', status: 429, retry_after: 1 }] }],
  ['an answer of 409', { fail: [{ route: 'work_poll', status: 409 }] }],
  ['JSON that is none', { answers: [{ route: 'work_poll', how: 'bad_json' }] }],
] as const)('%s to a poll is a pause, and the next poll claims', async (_name, faults) => {
  const { emulator, environment } = await queueFor({}, FROZEN);
  environment.setFaults(structuredClone(faults) as object);
  const { poller, lines } = pollerOf(emulator, environment, { reclaimOlderThanMs: 0 });
  const { id } = environment.enqueue();
  const served: string[] = [];
  for await (const work of poller) served.push(work.id);
  expect(served).toEqual([id]);
  expect(lines.join('\n')).toContain('poll failed, backing off');
});

test.each([
  ['a revoked key', 401],
  ['a key of another environment', 403],
] as const)('%s ends the poller with the API’s %i', async (name, status) => {
  const { emulator, environment } = await queueFor();
  const { poller } = pollerOf(emulator, environment, {
    environmentKey: name === 'a revoked key' ? environment.key : emulator.createEnvironment().key,
  });
  environment.setKeys([]);
  const polling = (async () => {
    for await (const _ of poller);
  })();
  await expect(polling).rejects.toMatchObject({ status });
});

test('a claim whose answer is lost is claimed again after the reclaim time', async () => {
  const { emulator, environment } = await queueFor({}, FROZEN);
  environment.setFaults({ answers: [{ route: 'work_poll', how: 'cut' }] });
  const { id } = environment.enqueue();
  const { poller, lines } = pollerOf(emulator, environment);
  for await (const work of poller) throw new Error(`it got ${work.id}`);
  expect(lines.join('\n')).toContain('poll failed, backing off');
  expect(acts(environment, id)).toEqual(['queued', 'polled']);
  emulator.advanceClock(5000);
  const served: string[] = [];
  for await (const work of pollerOf(emulator, environment).poller) served.push(work.id);
  expect(served).toEqual([id]);
});

test('a failed ack costs the item: no pause, no second try (W-17)', async () => {
  const { emulator, environment } = await queueFor({}, FROZEN);
  environment.setFaults({ fail: [{ route: 'work_ack', status: 503, times: 2 }] });
  const ids = [environment.enqueue().id, environment.enqueue().id];
  const { poller } = pollerOf(emulator, environment);
  for await (const work of poller) throw new Error(`it got ${work.id}`);
  for (const id of ids) expect(acts(environment, id)).toEqual(['queued', 'polled']);
  const routes = emulator.requests().map(({ route }) => route);
  expect(routes).toEqual(['work_poll', 'work_ack', 'work_poll', 'work_ack', 'work_poll']);
});

test('a worker that dies between ack and first beat loses the item, where the service has that hole (W-16)', async () => {
  const { emulator, environment } = await queueFor({}, FROZEN);
  environment.setFaults({ ack_then_dead: 1 });
  const { id } = environment.enqueue();
  const dying = pollerOf(emulator, environment, { autoStop: false });
  for await (const _ of dying.poller) break;
  emulator.advanceClock(3_600_000);
  for await (const work of pollerOf(emulator, environment).poller) throw new Error(`it got ${work.id}`);
  expect(environment.item(id).state).toBe('starting');
});
