import { expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import {
  clientOf,
  customResult,
  emulatorFor,
  eventually,
  FrameReader,
  message,
  post,
  request,
  text,
  toolResult,
} from './support.ts';

/** A session that waits for a built-in call `sevt_a` and a custom call `sevt_b`. */
async function blocked(emulator: Emulator): Promise<SessionHandle> {
  const session = emulator.createSession({ script: 'manual' });
  void session.agent.calls([
    { name: 'bash', input: { command: 'ls' }, id: 'sevt_a' },
    { name: 'lookup', input: {}, id: 'sevt_b' },
  ]);
  await session.wait('requires_action');
  return session;
}

async function refused(emulator: Emulator, session: SessionHandle, ...events: object[]): Promise<string> {
  const before = session.events().length;
  const { status, body } = await post(emulator, session.id, ...events);
  expect(status, JSON.stringify(body)).toBe(400);
  expect(body.error?.type).toBe('invalid_request_error');
  expect(session.events(), 'a refused request stores nothing').toHaveLength(before);
  return body.error?.message ?? '';
}

test('a result is stamped on receipt and echoed; it stands once in the history', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  const sent = await clientOf(emulator).beta.sessions.events.send(session.id, {
    events: [{ type: 'user.tool_result', tool_use_id: 'sevt_a', is_error: false, content: text('out') }],
  });
  expect(sent.data).toMatchObject([
    {
      type: 'user.tool_result',
      tool_use_id: 'sevt_a',
      content: text('out'),
      processed_at: expect.any(String),
    },
  ]);
  expect(sent.data?.[0]?.id).toMatch(/^sevt_/);
  expect(session.events('user.tool_result')).toEqual(sent.data);
});

test('a user message is echoed without a stamp and seen twice on the stream: queued, then processed', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  const sent = await post(emulator, session.id, message());
  expect(sent.body.data).toMatchObject([{ type: 'user.message', processed_at: null }]);
  await stream.has('session.status_idle');
  const copies = stream.frames.filter(frame => frame.data.type === 'user.message').map(frame => frame.data);
  expect(copies.map(copy => copy.processed_at === null)).toEqual([true, false]);
  expect(copies[0]?.id).toBe(copies[1]?.id);
  expect(session.events('user.message')).toHaveLength(1);
});

test('a message that comes during a turn is queued, listed last without a stamp, and begins the next turn', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ script: 'manual' });
  await session.agent.say('busy');
  await post(emulator, session.id, message('next'));
  await post(emulator, session.id, message('and more'));
  await session.agent.say('still busy');
  expect(session.events().slice(-2)).toMatchObject([
    { content: text('next'), processed_at: null },
    { content: text('and more'), processed_at: null },
  ]);
  expect((await session.agent.idle()).text).toBe('next\nand more');
  expect(session.events('session.status_idle', 'user.message', 'session.status_running')).toMatchObject([
    { type: 'session.status_running' },
    { type: 'session.status_idle' },
    { type: 'user.message', processed_at: expect.any(String) },
    { type: 'user.message', processed_at: expect.any(String) },
    { type: 'session.status_running' },
  ]);
});

test('while the session waits for results a message is refused, with the ids and what may be sent', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect(await refused(emulator, session, message())).toBe(
    'Invalid user.message event at events[0]: waiting on responses to events [sevt_a, sevt_b]; ' +
      'only user.tool_confirmation, user.custom_tool_result, user.tool_result, or user.interrupt may be sent',
  );
});

test('a result for an unknown id matches no call', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect(await refused(emulator, session, toolResult('sevt_x'))).toBe(
    '`tool_use_id` "sevt_x" does not match any `agent.tool_use` event in this session',
  );
  expect(await refused(emulator, session, customResult('sevt_x'))).toBe(
    '`custom_tool_use_id` "sevt_x" does not match any `agent.custom_tool_use` event in this session',
  );
});

test('each kind of call takes only its own kind of result', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect(await refused(emulator, session, toolResult('sevt_b'))).toMatch(
    /"sevt_b" does not match any `agent.tool_use`/,
  );
  expect(await refused(emulator, session, customResult('sevt_a'))).toMatch(/"sevt_a" does not match any/);
});

test('the second result for a call is a 400 and changes nothing: the first writer wins', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect((await post(emulator, session.id, toolResult('sevt_a', 'first'))).status).toBe(200);
  expect(await refused(emulator, session, toolResult('sevt_a', 'second'))).toBe(
    'Invalid user.tool_result event at events[0]: waiting on responses to events [sevt_b]; event sevt_a already has a result',
  );
  expect(session.events('user.tool_result')).toMatchObject([{ content: text('first') }]);
  const [call] = session.ledger().calls;
  expect(call).toMatchObject({
    id: 'sevt_a',
    closed_by: 'result',
    accepted: [{}],
    refused: [{ status: 400 }],
  });
});

test('one bad event refuses the whole request', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  await refused(emulator, session, toolResult('sevt_a'), customResult('sevt_x'));
  await refused(emulator, session, toolResult('sevt_a'), toolResult('sevt_a'));
  expect(session.info().open_calls).toEqual(['sevt_a', 'sevt_b']);
  expect((await post(emulator, session.id, toolResult('sevt_a'), customResult('sevt_b'))).status).toBe(200);
  expect(session.info().open_calls).toEqual([]);
});

test('an empty text block is a 400 at its path', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect(await refused(emulator, session, toolResult('sevt_a', ''))).toBe(
    'events.0.content.0.text: minimum string length is 1',
  );
  const nested = {
    type: 'search_result',
    source: 's',
    title: 't',
    content: text(''),
    citations: { enabled: false },
  };
  const result = { ...toolResult('sevt_a'), content: [...text('x'), nested] };
  expect(await refused(emulator, session, result)).toBe(
    'events.0.content.1.content.0.text: minimum string length is 1',
  );
  expect((await post(emulator, session.id, toolResult('sevt_a', ' '))).status).toBe(200);
});

test.each([
  [
    { ...toolResult('sevt_a'), content: [{ type: 'search_result', source: 's', title: 't', content: [] }] },
    /citations/,
  ],
  [{ ...message(), content: [{ type: 'redacted' }] }, /events.0.content.0/],
  [{ ...message(), content: [] }, /events.0.content/],
  [{ ...toolResult('sevt_a'), content: text('\ud800') }, /surrogate/],
  [{ type: 'agent.message', content: [] }, /events.0.type/],
  [{ type: 'user.tool_result' }, /events.0.tool_use_id/],
  [{ type: 'user.tool_confirmation', tool_use_id: 'sevt_a', result: 'maybe' }, /events.0.result/],
  [
    { type: 'user.tool_confirmation', tool_use_id: 'sevt_a', result: 'allow', deny_message: 'x' },
    /deny_message/,
  ],
  [{ type: 'user.define_outcome', description: 'd' }, /events.0.rubric/],
])('a malformed event is a 400 that names the place (%#)', async (event, reason) => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  expect(await refused(emulator, session, event)).toMatch(reason);
});

test('a body without events, or no JSON at all, is a 400', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const path = `/v1/sessions/${session.id}/events`;
  expect((await request(emulator, path, { json: { events: [] } })).status).toBe(400);
  expect((await request(emulator, path, { json: [] })).status).toBe(400);
  expect((await request(emulator, path, { method: 'POST', body: '{' })).status).toBe(400);
});

test('text, image, document and search_result are taken as results', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  const content = [
    ...text('a'),
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' } },
    { type: 'search_result', source: 's', title: 't', content: text('c'), citations: { enabled: true } },
  ];
  const { body } = await post(emulator, session.id, { ...toolResult('sevt_a'), content });
  expect(body.data?.[0]?.content).toEqual(content);
});

test('a system message must come last and follow a message or a result', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  const system = { type: 'system.message', content: text('note') };
  expect(await refused(emulator, session, system)).toMatch(/events\[0\]: it must immediately follow/);
  expect(await refused(emulator, session, toolResult('sevt_a'), system, customResult('sevt_b'))).toMatch(
    /events\[1\]: it must be the final event/,
  );
  expect((await post(emulator, session.id, toolResult('sevt_a'), system)).status).toBe(200);
  await eventually(() => session.events('system.message')[0]?.processed_at);
});

test('a body above the limit is a 413, one below is taken', async () => {
  const emulator = await emulatorFor({ maxBodyBytes: 100_000 });
  const session = await blocked(emulator);
  const large = await post(emulator, session.id, toolResult('sevt_a', 'x'.repeat(100_000)));
  expect(large.status).toBe(413);
  expect(large.body.error?.type).toBe('request_too_large');
  expect((await post(emulator, session.id, toolResult('sevt_a', 'x'.repeat(90_000)))).status).toBe(200);
});

test('the default limit is 32 MB', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  const large = await post(emulator, session.id, toolResult('sevt_a', 'x'.repeat(33 * 1024 * 1024)));
  expect(large.status).toBe(413);
});

test('an outcome is stamped on receipt, gets an id, and begins a turn', async () => {
  const emulator = await emulatorFor({ script: [{ say: 'working' }] });
  const session = emulator.createSession();
  const outcome = { type: 'user.define_outcome', description: 'd', rubric: { type: 'text', content: 'r' } };
  const { body } = await post(emulator, session.id, outcome);
  expect(body.data?.[0]).toMatchObject({
    outcome_id: expect.stringMatching(/^outc_/),
    max_iterations: 3,
    processed_at: expect.any(String),
  });
  await session.wait('script_done');
  expect(session.events('agent.message')).toHaveLength(1);
});
