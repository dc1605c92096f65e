/** The work queue's faults, and its control API over HTTP. */
import { expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/server.ts';
import { emulatorFor, eventually, request } from './support.ts';
import { acts, FROZEN, queueFor, tokenOf } from './work-support.ts';

function control(emulator: Emulator, path: string, json?: unknown, method?: string) {
  const init = { headers: {}, ...(json !== undefined && { json }), ...(method !== undefined && { method }) };
  return request(emulator, `/_emulator${path}`, init);
}

test('environments, items and clock are handled over the control API', async () => {
  const emulator = await emulatorFor({ ...FROZEN, apiKeys: ['org'] });
  const made = await control(emulator, '/environments', {
    id: 'env_a',
    keys: ['key-a'],
    lease_ttl_ms: 60_000,
  });
  expect(made.body).toMatchObject({ id: 'env_a', keys: ['key-a'], stats: { depth: 0 } });
  expect((await control(emulator, '/environments', { id: 'env_a' })).status).toBe(409);
  expect((await control(emulator, '/environments', { ttl: 5 })).status).toBe(400);

  const session = await control(emulator, '/sessions', { environment_id: 'env_a', message: 'go' });
  await control(emulator, '/environments/env_a/work', { metadata: { why: 'test' } });
  const listed = await control(emulator, '/environments/env_a/work');
  expect(listed.body.data).toMatchObject([
    { data: { type: 'session', id: session.body.id }, state: 'queued', history: [{ act: 'queued' }] },
    { data: { type: 'healthcheck' }, state: 'queued' },
  ]);

  const auth = { headers: { authorization: 'Bearer key-a' } };
  const work = '/v1/environments/env_a/work';
  const { body: item } = await request(emulator, `${work}/poll`, auth);
  await request(emulator, `${work}/${item.id}/ack`, { ...auth, method: 'POST' });
  const token = { headers: { authorization: `Bearer ${tokenOf(String(item.secret))}` }, method: 'POST' };
  const beat = () => request(emulator, `${work}/${item.id}/heartbeat`, token);
  expect((await beat()).status).toBe(200);

  await control(emulator, '/clock', { advance_ms: 60_000 });
  const lapsed = await control(emulator, `/environments/env_a/work/${item.id}`);
  expect(lapsed.body).toMatchObject({ state: 'queued' });
  expect(JSON.stringify(lapsed.body.history)).toContain('the lease lapsed');
  await request(emulator, `${work}/${item.id}/ack`, { ...auth, method: 'POST' });
  const expired = await control(emulator, `/environments/env_a/work/${item.id}/expire`, {});
  expect(expired.body.state).toBe('queued');
  expect((await control(emulator, `/environments/env_a/work/${item.id}/revoke`, {})).body).toEqual({
    revoked: 1,
  });
  expect((await beat()).status).toBe(401);
  const stopped = await control(emulator, `/environments/env_a/work/${item.id}/stop`, { force: true });
  expect(stopped.body.state).toBe('stopped');

  await control(emulator, '/environments/env_a/keys', { keys: [] });
  expect((await request(emulator, `${work}/poll`, auth)).status).toBe(401);
  expect((await control(emulator, '/environments/env_x')).status).toBe(404);
  expect((await control(emulator, '/environments')).body).toMatchObject([{ id: 'env_a', keys: [] }]);
});

test('every endpoint of the queue fails as a fault says, for its environment or for its session', async () => {
  const { emulator, environment, worker } = await queueFor();
  const session = emulator.createSession({ environmentId: environment.id });
  const faults = { fail: [{ route: 'work_poll', status: 529, times: 1 }] };
  await control(emulator, `/environments/${environment.id}/faults`, faults);
  expect((await worker.poll()).body.error?.type).toBe('overloaded_error');
  const { id } = await worker.claim();
  session.setFaults({
    fail: [
      { route: 'work_ack', status: 500 },
      { route: 'work_heartbeat', status: 409 },
      { route: 'work_stop', status: 429, retry_after: 3 },
    ],
  });
  expect((await worker.ack(id)).status).toBe(500);
  expect(environment.item(id).state, 'nothing was done').toBe('queued');
  expect((await worker.ack(id)).status).toBe(200);
  expect([(await worker.beat(id)).status, (await worker.beat(id)).status]).toEqual([409, 200]);
  expect((await worker.stop(id)).headers.get('retry-after')).toBe('3');
  for (const [route, path] of [
    ['work_list', ''],
    ['work_stats', '/stats'],
  ] as const) {
    emulator.setFaults({ fail: [{ route, status: 503 }] });
    expect((await worker.call('GET', worker.path(path))).status).toBe(503);
  }
  const read = await control(emulator, `/environments/${environment.id}/faults`);
  expect(read.body).toMatchObject({ fail: [{ times: 0 }] });
  await control(emulator, `/environments/${environment.id}/faults`, undefined, 'DELETE');
  expect((await control(emulator, `/environments/${environment.id}/faults`)).body).toEqual({});
});

test('an answer is a web page, breaks off, is lost, comes late or never', async () => {
  const { emulator, environment, worker } = await queueFor();
  const poll = (signal?: AbortSignal) =>
    fetch(`${emulator.url}${worker.path('/poll?reclaim_older_than_ms=0')}`, {
      headers: { authorization: `Bearer ${environment.key}` },
      ...(signal && { signal }),
    });
  const { id } = environment.enqueue();
  const fault = (how: 'html' | 'bad_json' | 'cut' | 'late' | 'never', ms = 0) =>
    environment.setFaults({ answers: [{ route: 'work_poll', how, ...(ms > 0 && { ms }) }] });
  const polls = () => acts(environment, id).filter(act => act === 'polled').length;

  fault('html');
  const page = await poll();
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);
  fault('bad_json');
  const broken = await poll();
  expect(broken.headers.get('content-type')).toBe('application/json');
  await expect(broken.json()).rejects.toThrow(SyntaxError);
  fault('cut');
  await expect(poll()).rejects.toThrow('fetch failed');
  expect(polls(), 'all of these gave it out').toBe(3);

  fault('late', 300);
  const order: string[] = [];
  const late = poll().then(() => order.push('late'));
  await eventually(() => polls() === 4);
  await poll().then(() => order.push('other'));
  await late;
  expect(order).toEqual(['other', 'late']);

  fault('never');
  const before = polls();
  await expect(poll(AbortSignal.timeout(200))).rejects.toThrow(/timeout/);
  expect(polls(), 'this one gave nothing out').toBe(before);
});

test('a heartbeat that hangs does not beat, and the emulator can close under it', async () => {
  const { emulator, environment, worker } = await queueFor();
  environment.enqueue();
  const { id, last } = await worker.hold();
  environment.setFaults({ answers: [{ route: 'work_heartbeat', how: 'never' }] });
  const hung = worker.beat(id, last).catch(() => 'cut');
  await eventually(() => emulator.requests().filter(({ route }) => route === 'work_heartbeat').length === 2);
  expect(environment.item(id).last_heartbeat).toBe(last);
  await emulator.close();
  expect(await hung).toBe('cut');
});

test('slow answers delay one endpoint only', async () => {
  const { environment, worker } = await queueFor();
  environment.setFaults({ latency_ms: { work_stats: 300 } });
  const order: string[] = [];
  await Promise.all([
    worker.call('GET', worker.path('/stats')).then(() => order.push('stats')),
    worker.poll().then(() => order.push('poll')),
  ]);
  expect(order).toEqual(['poll', 'stats']);
});

test('requests on the queue are on record with their item, and credentials are told apart in its history', async () => {
  const { emulator, environment, worker } = await queueFor();
  const session = emulator.createSession({ environmentId: environment.id });
  const { id, token, last } = await worker.hold();
  await worker.beat(id, last, '', token);
  const [beat] = emulator.requests().filter(({ route }) => route === 'work_heartbeat');
  expect(beat).toMatchObject({ work_id: id, session_id: session.id, status: 200 });
  const history = environment.item(id).history.filter(({ act }) => act === 'beat');
  expect(history.map(({ by }) => [by.credential, by.worker_id])).toEqual([
    ['environment', null],
    ['session', 'worker-1'],
  ]);
});

test('hundreds of items are polled by several workers, each once', async () => {
  const { environment, worker } = await queueFor();
  const ids = Array.from({ length: 300 }, () => environment.enqueue().id);
  const got: string[] = [];
  const drain = async () => {
    for (;;) {
      const { body } = await worker.poll();
      if (body === null) return;
      got.push(String(body.id));
    }
  };
  await Promise.all(Array.from({ length: 8 }, drain));
  expect(got.sort()).toEqual(ids.sort());
});
