import { expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import {
  clientOf,
  emulatorFor,
  eventually,
  FrameReader,
  message,
  post,
  request,
  toolResult,
} from './support.ts';

async function blocked(emulator: Emulator): Promise<SessionHandle> {
  const session = emulator.createSession({ script: 'manual' });
  void session.agent.call('bash', {}, { id: 'sevt_a' });
  await session.wait('requires_action');
  return session;
}

const NEWS = { type: 'agent.message', content: [] };

test('a lost response: the event is stored, the connection breaks, and the second post is a 400', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  session.setFaults({ lose_responses: 1 });
  await expect(post(emulator, session.id, toolResult('sevt_a'))).rejects.toThrow(/fetch failed/);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(400);
  expect(session.events('user.tool_result')).toHaveLength(1);
  expect(session.ledger().calls).toMatchObject([
    { accepted: [{ response: 'lost' }], refused: [{ status: 400 }] },
  ]);
});

test('a lost request is not stored', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  session.setFaults({ lose_requests: 1 });
  await expect(post(emulator, session.id, toolResult('sevt_a'))).rejects.toThrow(/fetch failed/);
  expect(session.events('user.tool_result')).toEqual([]);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(200);
});

test('errors are injected so many times, by route, with their headers', async () => {
  const emulator = await emulatorFor();
  const session = await blocked(emulator);
  session.setFaults({
    fail: [
      { route: 'send', status: 503, times: 2 },
      { route: 'list', status: 429, retry_after: 7, should_retry: false },
    ],
  });
  for (const status of [503, 503, 200]) {
    expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(status);
  }
  const path = `/v1/sessions/${session.id}`;
  expect((await request(emulator, path)).status).toBe(200);
  const limited = await request(emulator, `${path}/events`);
  expect(limited.status).toBe(429);
  expect(limited.body.error?.type).toBe('rate_limit_error');
  expect(limited.headers.get('retry-after')).toBe('7');
  expect(limited.headers.get('x-should-retry')).toBe('false');
  expect((await request(emulator, `${path}/events`)).status).toBe(200);
  expect(session.ledger().calls[0]?.refused.map(post => post.status)).toEqual([503, 503]);
});

test('a fault for all sessions is used up by any of them; a session’s own goes first', async () => {
  const emulator = await emulatorFor();
  const one = emulator.createSession();
  const two = emulator.createSession();
  emulator.setFaults({ fail: [{ route: 'retrieve', status: 500, times: 1 }] });
  one.setFaults({ fail: [{ route: 'retrieve', status: 529, times: 1 }] });
  const status = async (session: SessionHandle) =>
    (await request(emulator, `/v1/sessions/${session.id}`)).status;
  expect([await status(one), await status(one), await status(two)]).toEqual([529, 500, 200]);
  emulator.setFaults({ fail: [{ status: 500, times: 5 }] });
  emulator.clearFaults();
  expect(await status(two)).toBe(200);
});

test('a page of a list fails, and only that page', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ history: Array(5).fill(NEWS) });
  session.setFaults({ list: { fail_page: 2, max_page_size: 2 } });
  const client = clientOf(emulator);
  const read = async () => {
    let count = 0;
    for await (const _ of client.beta.sessions.events.list(session.id)) count++;
    return count;
  };
  await expect(read()).rejects.toMatchObject({ status: 500 });
  expect(await read()).toBe(5);
});

test('the commit race: a young call is unknown to posts, and hidden from lists if so set', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ script: 'manual' });
  session.setFaults({ commit_race_ms: 60_000, commit_race_hides: true });
  const stream = await FrameReader.open(emulator, session.id);
  void session.agent.call('bash', {}, { id: 'sevt_a' });
  await stream.has('agent.tool_use');
  const early = await post(emulator, session.id, toolResult('sevt_a'));
  expect(early.status).toBe(400);
  expect(early.body.error?.message).toBe(
    '`tool_use_id` "sevt_a" does not match any `agent.tool_use` event in this session',
  );
  const listed = () => request(emulator, `/v1/sessions/${session.id}/events?types[]=agent.tool_use`);
  expect((await listed()).body.data).toEqual([]);

  session.setFaults({ commit_race_ms: 20 });
  void session.agent.call('bash', {}, { id: 'sevt_b' });
  for (;;) {
    const late = await post(emulator, session.id, toolResult('sevt_b'));
    if (late.status === 200) break;
    expect(late.body.error?.message).toMatch(/does not match/);
  }
  expect((await listed()).body.data).toMatchObject([{ id: 'sevt_b' }]);
});

test('latency delays one route only', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  session.setFaults({ latency_ms: { retrieve: 500 } });
  const order: string[] = [];
  await Promise.all([
    request(emulator, `/v1/sessions/${session.id}`).then(() => order.push('retrieve')),
    request(emulator, `/v1/sessions/${session.id}/events`).then(() => order.push('list')),
  ]);
  expect(order).toEqual(['list', 'retrieve']);
});

test('a stream is cut now, after so many events, or after so long', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const now = await FrameReader.open(emulator, session.id);
  expect(session.cutStreams()).toBe(1);
  await now.until(reader => reader.ended === 'broken');

  session.setFaults({ stream: { cut_after_events: 2, cut_times: 1 } });
  const counted = await FrameReader.open(emulator, session.id);
  session.emit([NEWS, NEWS]);
  await counted.until(reader => reader.ended === 'broken');
  expect(counted.types()).toHaveLength(2);
  const next = await FrameReader.open(emulator, session.id);
  session.emit([NEWS, NEWS, NEWS]);
  await next.until(reader => reader.frames.length === 3);
  expect(next.ended).toBeUndefined();

  session.setFaults({ stream: { cut_every_ms: 20 } });
  await (await FrameReader.open(emulator, session.id)).until(reader => reader.ended === 'broken');
  await eventually(() => session.info().streams === 1);
});

test('a stream ends cleanly at connect so many times', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  session.setFaults({ stream: { close_at_connect: 1 } });
  await (await FrameReader.open(emulator, session.id)).until(reader => reader.ended === 'clean');
  const second = await FrameReader.open(emulator, session.id);
  session.emit([NEWS]);
  await second.has('agent.message');
});

test('a half-open stream carries nothing, not even pings, and what was not written is lost', async () => {
  const emulator = await emulatorFor({ pingMs: 5 });
  const session = emulator.createSession();
  session.setFaults({ stream: { silent: true } });
  const stream = await FrameReader.open(emulator, session.id);
  session.emit([{ ...NEWS, id: 'sevt_lost' }]);
  await new Promise(resolve => setTimeout(resolve, 100));
  expect(stream.frames).toEqual([]);
  expect(stream.ended).toBeUndefined();
  session.clearFaults();
  session.emit([{ ...NEWS, id: 'sevt_seen' }]);
  await stream.has('agent.message');
  expect(stream.frames.filter(frame => frame.event !== 'ping').map(frame => frame.data.id)).toEqual([
    'sevt_seen',
  ]);
});

test('frames are duplicated, late, dropped, or without an event line', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  session.setFaults({
    stream: {
      duplicate_frames: 1,
      delay_frames: [{ types: ['agent.thinking'], ms: 100 }],
      drop_types: ['session.usage'],
    },
  });
  const stream = await FrameReader.open(emulator, session.id);
  const event = (type: string, id: string) => ({ type, id });
  session.emit([
    event('agent.thinking', 'sevt_late'),
    event('agent.message', 'sevt_twice'),
    event('session.usage', 'sevt_dropped'),
    event('agent.message', 'sevt_once'),
  ]);
  session.emit([event('agent.message', 'sevt_nameless')], { event_line: null });
  await stream.has('agent.thinking');
  expect(stream.frames.map(frame => frame.data.id)).toEqual([
    'sevt_twice',
    'sevt_twice',
    'sevt_once',
    'sevt_nameless',
    'sevt_late',
  ]);
  expect(stream.frames[3]?.event).toBeUndefined();
  expect(session.events().map(one => one.id)).toContain('sevt_dropped');
});

test('an event can stand only on the stream, or only in the history', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  session.emit([{ ...NEWS, id: 'sevt_list' }], { stream: false });
  session.emit([{ ...NEWS, id: 'sevt_stream' }], { log: false });
  await stream.has('agent.message');
  expect(stream.frames.map(frame => frame.data.id)).toEqual(['sevt_stream']);
  expect(session.events().map(event => event.id)).toEqual(['sevt_list']);
});

test('an error frame breaks the SDK’s stream', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const stream = await clientOf(emulator).beta.sessions.events.stream(session.id);
  const error = { type: 'error', error: { type: 'overloaded_error', message: 'busy' } };
  session.emit([error], { log: false, event_line: 'error' });
  await expect(async () => {
    for await (const _ of stream);
  }).rejects.toThrow(/busy/);
});

test('an emulator that is down refuses connections, and comes up with its sessions on the same port', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  await emulator.goDown();
  await stream.until(reader => reader.ended === 'broken');
  await expect(request(emulator, `/v1/sessions/${session.id}`)).rejects.toThrow(/fetch failed/);
  await emulator.comeUp();
  expect((await request(emulator, `/v1/sessions/${session.id}`)).status).toBe(200);
  expect((await post(emulator, session.id, message())).status).toBe(200);
});
