import { expect, test } from 'vitest';
import { emulatorFor, eventually, FrameReader, message, post, request, toolResult } from './support.ts';

/** The control API needs no credential. */
function control(emulator: { url: string }, path: string, json?: unknown, method?: string) {
  const init = { headers: {}, ...(json !== undefined && { json }), ...(method !== undefined && { method }) };
  return request(emulator as never, `/_emulator${path}`, init);
}

test('a new session may name its script', async () => {
  const emulator = await emulatorFor({ scripts: { one: [{ say: 'one' }] } });
  const created = await control(emulator, '/sessions', { message: 'go', script: 'one' });
  const id = String(created.body.id);
  expect((await control(emulator, `/sessions/${id}/wait?state=script_done`)).body.reached).toBe(true);
  const refused = await control(emulator, '/sessions', { script: 'two' });
  expect([refused.status, refused.body.error?.message]).toEqual([400, expect.stringContaining('one')]);
});

test('a session is created, started, waited for and read through the control API', async () => {
  const emulator = await emulatorFor({ scripts: { one: [{ call: 'bash', id: 'sevt_a' }] } });
  const created = await control(emulator, '/sessions', { metadata: { script: 'one' } });
  const id = String(created.body.id);
  expect((await control(emulator, `/sessions/${id}/start`, {})).body.status).toBe('running');
  const waited = await control(emulator, `/sessions/${id}/wait?state=requires_action&timeout_ms=5000`);
  expect(waited.body).toMatchObject({ reached: true, open_calls: ['sevt_a'] });
  await post(emulator, id, toolResult('sevt_a'));
  expect((await control(emulator, `/sessions/${id}/wait?state=script_done`)).body.reached).toBe(true);
  const ledger = await control(emulator, `/sessions/${id}/ledger`);
  expect(ledger.body.calls).toMatchObject([
    {
      id: 'sevt_a',
      name: 'bash',
      kind: 'agent.tool_use',
      closed_by: 'result',
      accepted: [
        { at: expect.any(Number), headers: { 'x-api-key': 'test-key' }, event: { tool_use_id: 'sevt_a' } },
      ],
    },
  ]);
  const list = await request(emulator, '/_emulator/sessions', { headers: {} });
  expect(list.body).toMatchObject([{ id, script: 'done' }]);
});

test('a wait that is not met says so, and what the state is', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const late = await control(emulator, `/sessions/${session.id}/wait?state=running&timeout_ms=20`);
  expect(late.body).toMatchObject({
    reached: false,
    status: 'idle',
    message: expect.stringMatching(/within 20 ms/),
  });
  session.archive();
  const over = await control(emulator, `/sessions/${session.id}/wait?state=running`);
  expect(over.body).toMatchObject({ reached: false, message: expect.stringMatching(/ended before/) });
  expect((await control(emulator, `/sessions/${session.id}/wait?state=asleep`)).status).toBe(400);
});

test('faults are set, read and cleared for one session or for all', async () => {
  const emulator = await emulatorFor();
  const { id } = emulator.createSession();
  const statusNow = async () => (await request(emulator, `/v1/sessions/${id}`)).status;
  await control(emulator, '/faults', { fail: [{ route: 'retrieve', status: 500, times: 9 }] });
  await control(emulator, `/sessions/${id}/faults`, { fail: [{ route: 'retrieve', status: 529, times: 1 }] });
  expect([await statusNow(), await statusNow()]).toEqual([529, 500]);
  expect((await control(emulator, '/faults')).body).toMatchObject({ fail: [{ times: 8 }] });
  await control(emulator, '/faults', undefined, 'DELETE');
  expect(await statusNow()).toBe(200);
});

test('a fault that does not exist is a 400 that names it', async () => {
  const emulator = await emulatorFor();
  const answer = await control(emulator, '/faults', { explode: true });
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toMatch(/explode/);
  expect((await control(emulator, '/sessions/sesn_x/faults', {})).status).toBe(404);
});

test('events are put in and streams are cut', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  await control(emulator, `/sessions/${session.id}/emit`, {
    events: [{ type: 'agent.custom_tool_use', id: 'sevt_r', name: 'x', input: {} }],
  });
  await stream.has('agent.custom_tool_use');
  expect(
    (await post(emulator, session.id, { type: 'user.custom_tool_result', custom_tool_use_id: 'sevt_r' }))
      .status,
  ).toBe(200);
  expect((await control(emulator, `/sessions/${session.id}/cut`, {})).body).toEqual({ cut: 1 });
  await stream.until(reader => reader.ended === 'broken');
  expect((await control(emulator, '/cut', {})).body).toEqual({ cut: 0 });
});

test('requests are on record with path, query and headers, and the record is bounded', async () => {
  const emulator = await emulatorFor({ requestLogLimit: 5 });
  const { id } = emulator.createSession();
  await request(emulator, `/v1/sessions/${id}/events?limit=7&beta=true`);
  const log = await control(emulator, `/requests?route=list&session_id=${id}`);
  expect(log.body.data).toMatchObject([
    {
      method: 'GET',
      path: `/v1/sessions/${id}/events?limit=7&beta=true`,
      route: 'list',
      session_id: id,
      status: 200,
      headers: { 'x-api-key': 'test-key' },
    },
  ]);
  for (let i = 0; i < 12; i++) await request(emulator, `/v1/sessions/${id}?n=${i}`);
  expect(emulator.requests().map(entry => entry.path.at(-1))).toEqual(['7', '8', '9', '0', '1']);
  await control(emulator, '/requests', undefined, 'DELETE');
  expect(emulator.requests()).toEqual([]);
});

test('keys are changed while it runs', async () => {
  const emulator = await emulatorFor();
  const { id } = emulator.createSession();
  await control(emulator, '/keys', { api_keys: ['other'] });
  expect((await request(emulator, `/v1/sessions/${id}`)).status).toBe(401);
});

test('it goes down for a while and comes back with its sessions', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  await control(emulator, '/down', { ms: 50 });
  let down = false;
  let back = false;
  for (; !back; ) {
    try {
      back = (await post(emulator, session.id, message())).status === 200 && down;
    } catch {
      down = true;
    }
  }
  await eventually(() => session.events('user.message').length > 0);
});

test('hundreds of sessions are served beside each other', { timeout: 60_000 }, async () => {
  const emulator = await emulatorFor({ script: [{ call: 'bash' }, { say: 'done' }], requestLogLimit: 100 });
  const sessions = Array.from({ length: 300 }, () => emulator.createSession({ message: 'go' }));
  await Promise.all(
    sessions.map(async session => {
      const { open_calls } = await session.wait('requires_action');
      await post(emulator, session.id, toolResult(String(open_calls[0])));
      await session.wait('script_done');
    }),
  );
  expect(
    emulator.sessions().filter(info => info.script === 'done' && info.failures.length === 0),
  ).toHaveLength(300);
  expect(emulator.requests()).toHaveLength(100);
});
