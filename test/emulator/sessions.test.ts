import { expect, test } from 'vitest';
import { clientOf, emulatorFor, FrameReader, message, post, request } from './support.ts';

const BODY = { agent: 'agent_1', environment_id: 'env_1' };

test('a created session is idle and reads back as it was created', async () => {
  const client = clientOf(await emulatorFor());
  const created = await client.beta.sessions.create({ ...BODY, title: 'T', metadata: { a: '1' } });
  expect(created.id).toMatch(/^sesn_/);
  const read = await client.beta.sessions.retrieve(created.id);
  expect(read).toMatchObject({
    id: created.id,
    type: 'session',
    status: 'idle',
    title: 'T',
    metadata: { a: '1' },
    environment_id: 'env_1',
    agent: { id: 'agent_1', skills: [] },
    resources: [],
    archived_at: null,
  });
});

test.each([
  [{ environment_id: 'env_1' }, /agent/],
  [{ agent: 'agent_1' }, /environment_id/],
  [{ ...BODY, resources: [{ type: 'file', file_id: 'f' }] }, /resources.0.type: only memory_store/],
  [{ ...BODY, metadata: Object.fromEntries([...Array(17).keys()].map(i => [`k${i}`, 'v'])) }, /16 pairs/],
  [{ ...BODY, metadata: { k: 'v'.repeat(513) } }, /metadata.k: maximum string length is 512/],
  [{ ...BODY, initial_events: Array(51).fill(message()) }, /initial_events: maximum length is 50/],
  [{ ...BODY, initial_events: [{ type: 'user.interrupt' }] }, /initial_events.0.type/],
  [{ ...BODY, metadata: { script: 'nowhere' } }, /script "nowhere" is not known to the emulator/],
])(
  'a session that cannot be created is refused with a 400 that names the field (%#)',
  async (body, reason) => {
    const answer = await request(await emulatorFor(), '/v1/sessions', { json: body });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(reason),
    });
  },
);

test('initial events start the session', async () => {
  const emulator = await emulatorFor({ script: [{ say: 'hello' }] });
  const client = clientOf(emulator);
  const { id } = await client.beta.sessions.create({ ...BODY, initial_events: [message()] });
  await emulator.wait(id, 'script_done');
  expect(emulator.session(id).events('agent.message')).toHaveLength(1);
});

test('an update merges metadata, sets the title and tells what changed', async () => {
  const emulator = await emulatorFor();
  const client = clientOf(emulator);
  const { id } = await client.beta.sessions.create({ ...BODY, metadata: { a: '1', b: '2' } });
  const updated = await client.beta.sessions.update(id, { title: 'New', metadata: { a: null, c: '3' } });
  expect(updated).toMatchObject({ title: 'New', metadata: { b: '2', c: '3' } });
  expect(emulator.session(id).events('session.updated')).toMatchObject([
    { title: 'New', metadata: { b: '2', c: '3' } },
  ]);
});

test('an unknown session is a 404 on every endpoint', async () => {
  const emulator = await emulatorFor();
  const client = clientOf(emulator);
  const attempts = [
    () => client.beta.sessions.retrieve('sesn_x'),
    () => client.beta.sessions.update('sesn_x', { title: 't' }),
    () => client.beta.sessions.archive('sesn_x'),
    () => client.beta.sessions.delete('sesn_x'),
    () => client.beta.sessions.events.list('sesn_x'),
    () => client.beta.sessions.events.send('sesn_x', { events: [message()] }),
    () => client.beta.sessions.events.stream('sesn_x'),
    () => client.beta.sessions.threads.list('sesn_x'),
  ];
  for (const attempt of attempts) {
    await expect(attempt()).rejects.toMatchObject({
      status: 404,
      error: {
        type: 'error',
        error: { type: 'not_found_error' },
        request_id: expect.stringMatching(/^req_/),
      },
    });
  }
});

test('an archived session reads terminated, says so on the stream, and takes no events', async () => {
  const emulator = await emulatorFor();
  const client = clientOf(emulator);
  const { id } = await client.beta.sessions.create(BODY);
  const stream = await FrameReader.open(emulator, id);
  const archived = await client.beta.sessions.archive(id);
  expect(archived).toMatchObject({ status: 'terminated', archived_at: expect.any(String) });
  await stream.has('session.status_terminated');
  expect(await client.beta.sessions.retrieve(id)).toMatchObject({ status: 'terminated' });
  const answer = await post(emulator, id, message());
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toBe(`Cannot send events to archived session: ${id}`);
});

test('a deleted session ends its streams and is gone', async () => {
  const emulator = await emulatorFor();
  const client = clientOf(emulator);
  const { id } = await client.beta.sessions.create(BODY);
  const stream = await FrameReader.open(emulator, id);
  expect(await client.beta.sessions.delete(id)).toEqual({ id, type: 'session_deleted' });
  await stream.until(reader => reader.ended !== undefined);
  expect(stream.ended).toBe('clean');
  expect(stream.types()).toEqual(['session.deleted']);
  await expect(client.beta.sessions.retrieve(id)).rejects.toMatchObject({ status: 404 });
});

test('a running session can be neither archived nor deleted', async () => {
  const emulator = await emulatorFor({ script: [{ wait: 60_000 }] });
  const client = clientOf(emulator);
  const { id } = emulator.createSession({ message: 'go' });
  await emulator.wait(id, 'running');
  await expect(client.beta.sessions.archive(id)).rejects.toMatchObject({ status: 400 });
  await expect(client.beta.sessions.delete(id)).rejects.toMatchObject({ status: 400 });
  await client.beta.sessions.events.send(id, { events: [{ type: 'user.interrupt' }] });
  await emulator.wait(id, 'idle');
  await client.beta.sessions.delete(id);
});

test('a request without an accepted credential is a 401', async () => {
  const emulator = await emulatorFor({ apiKeys: ['good'], environmentKeys: ['env-good'] });
  const { id } = emulator.createSession();
  const path = `/v1/sessions/${id}`;
  const statusWith = async (headers: Record<string, string>) =>
    (await request(emulator, path, { headers })).status;
  expect(await statusWith({ 'x-api-key': 'good' })).toBe(200);
  expect(await statusWith({ authorization: 'Bearer env-good' })).toBe(200);
  expect(await statusWith({})).toBe(401);
  expect(await statusWith({ 'x-api-key': '' })).toBe(401);
  expect(await statusWith({ authorization: 'Bearer good' })).toBe(200);
  expect(await statusWith({ 'x-api-key': 'env-good' })).toBe(401);
  await expect(clientOf(emulator, 'bad').beta.sessions.retrieve(id)).rejects.toMatchObject({
    status: 401,
    error: { error: { type: 'authentication_error', message: 'invalid bearer token' } },
  });
  emulator.setKeys({ apiKeys: [] });
  expect(await statusWith({ 'x-api-key': 'good' })).toBe(401);
});

test('any non-empty key is accepted unless keys are configured', async () => {
  const emulator = await emulatorFor();
  const { id } = emulator.createSession();
  await clientOf(emulator, 'whatever').beta.sessions.retrieve(id);
  expect((await request(emulator, `/v1/sessions/${id}?beta=true`)).status).toBe(200);
  expect((await request(emulator, `/v1/sessions/${id}`, { headers: {} })).status).toBe(401);
});

test('threads are listed, and are a 404 without the beta header', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ script: 'manual' });
  const thread = await session.agent.thread('researcher');
  const client = clientOf(emulator);
  const listed = await client.beta.sessions.threads.list(session.id);
  expect(listed.data).toMatchObject([
    { parent_thread_id: null },
    { id: thread, agent: { name: 'researcher' } },
  ]);
  const bare = await request(emulator, `/v1/sessions/${session.id}/threads`, {
    headers: { 'x-api-key': 'k' },
  });
  expect(bare.status).toBe(404);
});
