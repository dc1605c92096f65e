import { expect, test } from 'vitest';
import { clientOf, emulatorFor, FrameReader, message, post, toolResult } from './support.ts';

test('a frame carries its type on the event line and the same in its data', async () => {
  const emulator = await emulatorFor({ script: [{ say: 'hi' }] });
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  await post(emulator, session.id, message());
  await stream.has('session.status_idle');
  expect(stream.frames.length).toBeGreaterThan(5);
  for (const frame of stream.frames) expect(frame.event).toBe(frame.data.type);
});

test('a stream replays nothing: what came before its head is only in the list', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({
    history: [{ type: 'agent.message', id: 'sevt_old', content: [] }],
  });
  const stream = await FrameReader.open(emulator, session.id);
  session.emit([{ type: 'agent.message', id: 'sevt_new', content: [] }]);
  await stream.has('agent.message');
  expect(stream.frames.map(frame => frame.data.id)).toEqual(['sevt_new']);
});

test('nothing that is emitted after the head was read is missed', async () => {
  const emulator = await emulatorFor();
  for (let i = 0; i < 20; i++) {
    const session = emulator.createSession();
    const stream = await FrameReader.open(emulator, session.id);
    session.emit([{ type: 'agent.message', content: [] }]);
    await stream.has('agent.message');
    stream.close();
  }
});

test('pings keep a quiet stream alive, and the SDK does not hand them on', async () => {
  const emulator = await emulatorFor({ pingMs: 10 });
  const session = emulator.createSession();
  const raw = await FrameReader.open(emulator, session.id);
  await raw.until(reader => reader.frames.filter(frame => frame.event === 'ping').length >= 3);
  const stream = await clientOf(emulator).beta.sessions.events.stream(session.id);
  setTimeout(() => session.emit([{ type: 'agent.message', content: [] }]), 50);
  for await (const event of stream) {
    expect(event.type).toBe('agent.message');
    break;
  }
});

test('every stream of a session gets each event', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  const streams = await Promise.all([1, 2, 3].map(() => FrameReader.open(emulator, session.id)));
  expect(session.info().streams).toBe(3);
  session.emit([{ type: 'agent.message', content: [] }]);
  for (const stream of streams) await stream.has('agent.message');
});

test('a turn reads in the order of the API', async () => {
  const emulator = await emulatorFor({ script: [{ say: 'hi' }, { call: 'bash', id: 'sevt_a' }] });
  const session = emulator.createSession();
  const stream = await FrameReader.open(emulator, session.id);
  await post(emulator, session.id, message());
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a'));
  await session.wait('script_done');
  await stream.until(reader => reader.types().filter(type => type === 'session.status_idle').length === 2);
  expect(stream.types()).toEqual([
    'user.message',
    'user.message',
    'session.status_running',
    'session.thread_status_running',
    'span.model_request_start',
    'agent.message',
    'span.model_request_end',
    'span.model_request_start',
    'agent.tool_use',
    'span.model_request_end',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
    'user.tool_result',
    'session.status_running',
    'session.thread_status_running',
    'session.thread_status_idle',
    'session.usage',
    'session.status_idle',
  ]);
});

test('previews go only to streams that ask for them, and never into the history', async () => {
  const emulator = await emulatorFor({ script: [{ say: 'hi' }] });
  const session = emulator.createSession();
  const plain = await FrameReader.open(emulator, session.id);
  const preview = await FrameReader.open(emulator, session.id, '?event_deltas[]=agent.message');
  await post(emulator, session.id, message());
  await plain.has('session.status_idle');
  await preview.has('session.status_idle');
  const types = preview.types();
  expect(types.indexOf('event_start')).toBeGreaterThan(-1);
  expect(types.indexOf('event_delta')).toBeLessThan(types.indexOf('agent.message'));
  expect(plain.types()).not.toContain('event_delta');
  expect(session.events().map(event => event.type)).not.toContain('event_delta');
  expect((await FrameReader.open(emulator, session.id, '?event_deltas[]=agent.tool_use')).status).toBe(400);
});
