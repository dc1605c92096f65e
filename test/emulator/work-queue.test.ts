import { expect, test } from 'vitest';
import { post, request, toolResult } from './support.ts';
import { API_KEY, acts, FROZEN, queueFor, RawWorker, tokenOf } from './work-support.ts';

test('an item goes from poll over ack and heartbeat to stop', async () => {
  const { environment, worker } = await queueFor({ leaseTtlMs: 60_000 });
  const { id } = environment.enqueue({ metadata: { team: 'a' } });
  const claimed = (await worker.poll('?block_ms=999')).body;
  expect(claimed).toEqual({
    type: 'work',
    id,
    environment_id: environment.id,
    state: 'queued',
    data: { type: 'healthcheck', id: expect.stringMatching(/^hc_/) },
    secret: expect.any(String),
    metadata: { team: 'a' },
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    acknowledged_at: null,
    started_at: null,
    latest_heartbeat_at: null,
    stop_requested_at: null,
    stopped_at: null,
  });
  expect(tokenOf(String(claimed.secret))).toMatch(/^sk-ant-req-/);

  expect((await worker.ack(id)).body).toMatchObject({
    state: 'starting',
    secret: null,
    acknowledged_at: expect.any(String),
  });
  const beat = await worker.beat(id, 'NO_HEARTBEAT');
  expect(beat.body).toEqual({
    type: 'work_heartbeat',
    last_heartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
    lease_extended: true,
    state: 'active',
    ttl_seconds: 60,
  });
  const stopped = await worker.stop(id, { force: true });
  expect(stopped.body).toMatchObject({
    state: 'stopped',
    started_at: expect.any(String),
    latest_heartbeat_at: beat.body.last_heartbeat,
    stop_requested_at: expect.any(String),
    stopped_at: expect.any(String),
  });
  expect((await worker.stop(id)).status).toBe(409);
  expect(acts(environment, id)).toEqual(['queued', 'polled', 'acked', 'beat', 'stop', 'stopped', 'stop:409']);
  expect(environment.item(id).history[1]).toMatchObject({
    by: { credential: 'environment', worker_id: 'worker-1', helper: null },
  });
});

test('an empty queue answers null, at once or after block_ms, and block_ms is 1 to 999', async () => {
  const { environment, worker } = await queueFor();
  const empty = await worker.poll();
  expect([empty.status, empty.body]).toEqual([200, null]);
  for (const bad of ['0', '1000', '-1', 'soon', '1.5', '']) {
    const { status, body } = await worker.poll(`?block_ms=${bad}`);
    expect([bad, status, body.error?.type]).toEqual([bad, 400, 'invalid_request_error']);
    expect(body.error?.message).toMatch(/^block_ms: /);
  }
  expect((await worker.poll('?reclaim_older_than_ms=-1')).status).toBe(400);
  const waiting = worker.poll('?block_ms=999');
  const { id } = environment.enqueue();
  expect((await waiting).body).toMatchObject({ id });
});

test('a claimed item is given out again only when it is not acknowledged in time', async () => {
  const { emulator, environment, worker } = await queueFor({}, FROZEN);
  const { id } = environment.enqueue();
  await worker.claim();
  expect((await worker.poll()).body).toBeNull();
  emulator.advanceClock(4999);
  expect((await worker.poll()).body, 'the default is 5 s').toBeNull();
  expect((await worker.poll('?reclaim_older_than_ms=1000')).body).toMatchObject({ id });
  emulator.advanceClock(5000);
  expect((await worker.poll()).body).toMatchObject({ id });
  await worker.ack(id);
  emulator.advanceClock(60_000);
  expect((await worker.poll('?reclaim_older_than_ms=0')).body).toBeNull();
});

test('a poller that has hung up claims nothing', async () => {
  const { emulator, environment, worker } = await queueFor();
  const abort = new AbortController();
  const url = `${emulator.url}${worker.path('/poll?block_ms=999')}`;
  const headers = { authorization: `Bearer ${environment.key}` };
  const gone = fetch(url, { headers, signal: abort.signal }).catch(() => 'gone');
  while (emulator.requests().length === 0) await new Promise(resolve => setTimeout(resolve, 5));
  await new Promise(resolve => setTimeout(resolve, 50));
  abort.abort();
  expect(await gone).toBe('gone');
  await new Promise(resolve => setTimeout(resolve, 50));
  const { id } = environment.enqueue();
  expect(acts(environment, id)).toEqual(['queued']);
  expect((await worker.poll()).body).toMatchObject({ id });
});

test('heartbeats are a chain of compare-and-swap, and a break in it is a 412 that shows the lease', async () => {
  const { environment, worker } = await queueFor({ leaseTtlMs: 120_000 });
  environment.enqueue();
  const { id, last } = await worker.hold();
  const second = await worker.beat(id, last);
  expect(second.status).toBe(200);
  expect(second.body.last_heartbeat).not.toBe(last);

  for (const wrong of ['NO_HEARTBEAT', last, 'hb-1']) {
    const { status, body } = await worker.beat(id, wrong);
    expect(status).toBe(412);
    expect(body).toEqual({
      type: 'error',
      request_id: expect.stringMatching(/^req_/),
      error: {
        type: 'invalid_request_error',
        message: `Heartbeat precondition failed: expected ${wrong}, actual was ${second.body.last_heartbeat}`,
        details: {
          error_code: 'heartbeat_precondition_failed',
          error_visibility: 'user_facing',
          current_state: {
            state: 'active',
            last_heartbeat: second.body.last_heartbeat,
            lease_updated_at: second.body.last_heartbeat,
            lease_extended: false,
            ttl_seconds: 120,
          },
        },
      },
    });
  }
  expect((await worker.beat(id)).status, 'without a value nothing is compared').toBe(200);
});

test('a heartbeat can ask for another lease', async () => {
  const { emulator, environment, worker } = await queueFor({}, FROZEN);
  environment.enqueue();
  const { id, last } = await worker.hold();
  const beat = await worker.beat(id, last, '&desired_ttl_seconds=30');
  expect(beat.body).toMatchObject({ ttl_seconds: 30, lease_extended: true });
  emulator.advanceClock(30_000);
  expect(environment.item(id).state).toBe('queued');
  expect((await worker.beat(id, 'x', '&desired_ttl_seconds=0')).status).toBe(400);
});

test('a lease that lapses is queued again; its holder gets a 412 with NULL, and another worker takes over', async () => {
  const { emulator, environment, worker } = await queueFor({ leaseTtlMs: 60_000 }, FROZEN);
  environment.enqueue();
  const { id, last } = await worker.hold();
  emulator.advanceClock(59_000);
  const { body } = await worker.beat(id, last);
  emulator.advanceClock(59_000);
  expect(environment.item(id).state, 'the beat extended it').toBe('active');
  const other = new RawWorker(emulator, environment, 'worker-2');
  const waiting = other.poll('?block_ms=999');
  emulator.advanceClock(1000);
  expect((await waiting).body, 'a blocked poll sees it').toMatchObject({ id, state: 'queued' });

  const late = await worker.beat(id, String(body.last_heartbeat));
  expect(late.status).toBe(412);
  expect(late.body.error).toMatchObject({
    message: `Heartbeat precondition failed: expected ${body.last_heartbeat}, actual was NULL`,
    details: { current_state: { state: 'queued', last_heartbeat: null, lease_updated_at: null } },
  });
  await other.ack(id);
  expect((await other.beat(id, 'NO_HEARTBEAT')).body).toMatchObject({ state: 'active' });
  expect((await worker.beat(id, 'NO_HEARTBEAT')).status).toBe(412);
});

test('a lease that has lapsed and is not queued again yet cannot be extended', async () => {
  const { emulator, environment, worker } = await queueFor(
    { leaseTtlMs: 60_000, requeueDelayMs: 10_000 },
    FROZEN,
  );
  environment.enqueue();
  const { id, last } = await worker.hold();
  emulator.advanceClock(61_000);
  expect((await worker.beat(id, last)).body).toMatchObject({
    lease_extended: false,
    state: 'stopped',
    last_heartbeat: last,
  });
  expect(environment.item(id).state).toBe('active');
  emulator.advanceClock(10_000);
  expect((await worker.beat(id, last)).status).toBe(412);
});

test('an item that is not acknowledged has no lease', async () => {
  const { environment, worker } = await queueFor();
  const { id } = environment.enqueue();
  await worker.claim();
  expect((await worker.beat(id, 'NO_HEARTBEAT')).status).toBe(409);
  expect((await worker.beat(id, 'hb-1')).status).toBe(412);
});

test('a graceful stop is learnt at the next beat, whatever value that brings; a force-stop ends the item', async () => {
  const { emulator, environment, worker } = await queueFor({}, FROZEN);
  environment.enqueue();
  const { id } = await worker.hold();
  expect(
    (await worker.call('POST', worker.path(`/${id}/stop`), { apiKey: API_KEY, json: {} })).body,
  ).toMatchObject({ state: 'stopping', stop_requested_at: expect.any(String), stopped_at: null });
  expect((await worker.stop(id)).status, 'to ask again changes nothing').toBe(200);
  expect((await worker.beat(id, 'whatever')).body).toMatchObject({ state: 'stopping', lease_extended: true });
  expect((await worker.stop(id, { force: true })).body).toMatchObject({ state: 'stopped' });
  expect((await worker.beat(id, 'whatever')).body).toMatchObject({ state: 'stopped', lease_extended: false });
  expect((await worker.ack(id)).status).toBe(400);
  expect((await worker.poll()).body).toBeNull();
  expect((await worker.stop(id, { force: 'yes' })).status).toBe(400);

  const { id: orphan } = environment.enqueue();
  environment.stop(orphan);
  expect(environment.item(orphan).state).toBe('stopping');
  emulator.advanceClock(300_000);
  expect(environment.item(orphan).state, 'nobody holds it').toBe('stopped');
});

test('a second ack changes nothing, and an unknown item is a 404', async () => {
  const { environment, worker } = await queueFor();
  environment.enqueue();
  const { id } = await worker.hold();
  expect((await worker.ack(id)).body).toMatchObject({ state: 'active' });
  for (const rest of ['/work_x/ack', '/work_x/heartbeat', '/work_x/stop']) {
    expect((await worker.call('POST', worker.path(rest), { json: {} })).status).toBe(404);
  }
  const nowhere = await worker.call('GET', '/v1/environments/env_x/work/poll', { apiKey: 'k' });
  expect(nowhere.status).toBe(403);
});

test('an acked item without a heartbeat is queued again after its lease, or never where that fault is set', async () => {
  const { emulator, environment, worker } = await queueFor({ leaseTtlMs: 60_000 }, FROZEN);
  const { id } = environment.enqueue();
  await worker.claim();
  await worker.ack(id);
  emulator.advanceClock(60_000);
  expect(environment.item(id).state).toBe('queued');

  environment.setFaults({ ack_then_dead: 1 });
  await worker.claim();
  await worker.ack(id);
  emulator.advanceClock(86_400_000);
  expect(environment.item(id).state).toBe('starting');
  expect((await worker.beat(id, 'NO_HEARTBEAT')).body).toMatchObject({ state: 'active' });
  emulator.advanceClock(60_000);
  expect(environment.item(id).state, 'a beat gives it a lease').toBe('queued');
});

test('stats count what waits, what is claimed, and who polled in the last 30 seconds', async () => {
  const { emulator, environment, worker } = await queueFor({}, FROZEN);
  const stats = async () => (await worker.call('GET', worker.path('/stats'))).body;
  expect(await stats()).toEqual({
    type: 'work_queue_stats',
    depth: 0,
    pending: 0,
    oldest_queued_at: null,
    workers_polling: null,
  });
  for (let i = 0; i < 3; i++) environment.enqueue();
  await worker.claim();
  await new RawWorker(emulator, environment, 'worker-2').claim();
  expect(await stats()).toMatchObject({
    depth: 1,
    pending: 2,
    oldest_queued_at: expect.stringMatching(/Z$/),
    workers_polling: 2,
  });
  emulator.advanceClock(30_000);
  expect(await stats()).toMatchObject({ workers_polling: 0 });
});

test('items are listed in pages, read and given metadata', async () => {
  const { environment, worker } = await queueFor();
  const ids = Array.from({ length: 5 }, () => environment.enqueue({ metadata: { a: '1', b: '2' } }).id);
  const first = await worker.call('GET', worker.path('?limit=3'));
  const second = await worker.call('GET', worker.path(`?limit=3&page=${first.body.next_page}`));
  expect([...(first.body.data ?? []), ...(second.body.data ?? [])].map(item => item.id)).toEqual(ids);
  expect(second.body.next_page).toBeNull();
  await worker.claim();
  const secrets = (await worker.call('GET', worker.path(''))).body.data?.map(({ secret }) => secret);
  expect(secrets, 'only a poll gives it').toEqual(Array(5).fill(null));
  expect((await worker.call('GET', worker.path('?page=nonsense'))).status).toBe(400);

  const path = worker.path(`/${ids[0]}`);
  const patch = { metadata: { a: null, c: '3' } };
  const updated = await worker.call('POST', path, { apiKey: API_KEY, json: patch });
  expect(updated.body).toMatchObject({ metadata: { b: '2', c: '3' }, secret: null });
  expect((await worker.call('GET', path, { apiKey: API_KEY })).body.metadata).toEqual({ b: '2', c: '3' });
  const tooLong = { metadata: { k: 'x'.repeat(513) } };
  expect((await worker.call('POST', path, { apiKey: API_KEY, json: tooLong })).status).toBe(400);
});

test('each credential is accepted where the API accepts it, and refused elsewhere', async () => {
  const { emulator, environment, worker } = await queueFor();
  const own = emulator.createSession({ environmentId: environment.id });
  const { id, secret } = await worker.claim();
  const token = tokenOf(secret);
  await worker.ack(id);
  const item = worker.path(`/${id}`);
  const session = `/v1/sessions/${own.id}`;
  const other = emulator.createSession();
  const foreign = emulator.createEnvironment();

  const rows: [method: string, path: string, api: number, environmentKey: number, token: number][] = [
    ['GET', worker.path('/poll'), 403, 200, 403],
    ['POST', `${item}/ack`, 403, 200, 200],
    ['POST', `${item}/heartbeat`, 403, 200, 200],
    ['GET', worker.path('/stats'), 200, 200, 403],
    ['GET', worker.path(''), 403, 200, 403],
    ['GET', item, 200, 403, 403],
    ['POST', item, 200, 403, 403],
    ['GET', session, 200, 200, 200],
    ['GET', `${session}/events`, 200, 200, 200],
    ['POST', session, 200, 403, 403],
    ['GET', `/v1/sessions/${other.id}`, 200, 403, 403],
    ['GET', `/v1/environments/${foreign.id}/work/poll`, 403, 403, 403],
    ['POST', '/v1/sessions', 400, 403, 403],
    ['POST', `${session}/archive`, 200, 403, 403],
    ['POST', `${item}/stop`, 200, 200, 200],
  ];
  for (const [method, path, ...wanted] of rows) {
    const json = method === 'POST' ? { json: {} } : {};
    const got = [
      (await worker.call(method, path, { bearer: token, ...json })).status,
      (await worker.call(method, path, json)).status,
      (await worker.call(method, path, { apiKey: API_KEY, ...json })).status,
    ].reverse();
    expect([method, path, ...got]).toEqual([method, path, ...wanted]);
  }
});

test('a sessions token is good for its own item only', async () => {
  const { environment, worker } = await queueFor();
  environment.enqueue();
  const { id, token } = await worker.hold();
  const other = environment.enqueue();
  expect((await worker.ack(other.id, token)).status).toBe(403);
  expect((await worker.stop(other.id, {}, token)).status).toBe(403);
  expect((await worker.stop(id, { force: true }, token)).status).toBe(200);
  expect((await worker.stop(id, {}, token)).status, 'it outlives its item').toBe(409);
});

test('keys and tokens are revoked while it runs', async () => {
  const { emulator, environment, worker } = await queueFor({ tokenTtlMs: 60_000 }, FROZEN);
  emulator.createSession({ environmentId: environment.id });
  const { key } = environment;
  const { id, token } = await worker.hold();
  const statusOf = async (bearer: string) => (await worker.beat(id, undefined, '', bearer)).status;
  expect(await statusOf(token)).toBe(200);
  expect(environment.revokeTokens(id)).toBe(1);
  expect([await statusOf(token), await statusOf(key)]).toEqual([401, 200]);
  environment.setKeys(['another']);
  const { status, body } = await worker.beat(id, undefined, '', key);
  expect([status, body.error]).toEqual([
    401,
    { type: 'authentication_error', message: 'invalid bearer token' },
  ]);
  expect([await statusOf('another'), await statusOf('sk-ant-oat01-made-up')]).toEqual([200, 401]);

  environment.expire(id);
  const { token: next } = await worker.hold();
  expect(await statusOf(next)).toBe(200);
  emulator.advanceClock(60_000);
  expect(await statusOf(next), 'it has run out').toBe(401);
});

test('a session queues work when it is created and when it runs without an item', async () => {
  const { emulator, environment, worker } = await queueFor();
  const outside = emulator.createSession({ script: 'manual', message: 'go' });
  await outside.wait('running');
  expect(environment.work(), 'no session of this environment').toEqual([]);

  const session = emulator.createSession({ environmentId: environment.id, script: 'manual', message: 'go' });
  await session.wait('running');
  expect(environment.workOf(session.id)).toHaveLength(1);
  const { id, token } = await worker.hold();
  void session.agent.call('bash', {}, { id: 'sevt_a' });
  await session.wait('requires_action');
  await worker.stop(id, { force: true }, token);
  expect(session.info(), 'the call stays open').toMatchObject({ open_calls: ['sevt_a'], status: 'idle' });
  expect((await worker.poll()).body, 'and is offered to nobody').toBeNull();

  await post(emulator, session.id, { type: 'user.interrupt' });
  await session.wait('idle');
  const again = await worker.hold();
  expect(again.id).not.toBe(id);
  await worker.stop(again.id, { force: true });

  session.sendMessage('more');
  await session.wait('running');
  expect((await worker.claim()).data).toEqual({ type: 'session', id: session.id });
  expect(environment.workOf(session.id).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'queued']);
});

test('a session that runs on while its item is stopping gets another one afterwards', async () => {
  const { emulator, environment, worker } = await queueFor();
  const session = emulator.createSession({ environmentId: environment.id, script: 'manual' });
  const { id } = await worker.hold();
  await worker.stop(id);
  void session.agent.call('bash', {}, { id: 'sevt_a' });
  await session.wait('requires_action');
  expect(environment.workOf(session.id)).toHaveLength(1);
  await worker.stop(id, { force: true });
  expect(environment.workOf(session.id).map(({ state }) => state)).toEqual(['stopped', 'queued']);
  await post(emulator, session.id, toolResult('sevt_a'));
});

test('the item of a terminated session stays in the queue', async () => {
  const { emulator, environment, worker } = await queueFor();
  const session = emulator.createSession({ environmentId: environment.id });
  session.archive();
  const { id } = await worker.claim();
  expect(environment.item(id)).toMatchObject({ data: { id: session.id } });
  const { body } = await request(emulator, `/v1/sessions/${session.id}`);
  expect(body.status).toBe('terminated');
});
