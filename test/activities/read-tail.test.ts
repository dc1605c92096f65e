import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReadTail, type Tail } from '../../src/activities/read-tail.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { json, startScriptedServer } from '../anthropic/scripted-server.ts';
import { activityEnvironment } from './activity-environment.ts';

let emulator: Emulator;
let session: SessionHandle;
let readTail: ReturnType<typeof createReadTail>;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  readTail = createReadTail({
    feed: createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' })),
  });
});

afterEach(() => emulator.close());

function idle(reason = 'end_turn'): NewEvent {
  return { type: 'session.status_idle', stop_reason: { type: reason } };
}

/** What is read for the idle `which` of a session with these events. */
async function tailOf(events: readonly NewEvent[], which = 0, since?: string | null): Promise<Tail> {
  const emitted = session.emit(events);
  const armed = emitted.filter(event => event.type === 'session.status_idle')[which];
  const input = {
    sessionId: session.id,
    idleId: armed?.id ?? 'sevt_gone',
    since: since === undefined ? (armed?.processed_at ?? null) : since,
  };
  return activityEnvironment().run(readTail, input);
}

const NEUTRAL: NewEvent[] = [
  { type: 'user.tool_confirmation', tool_use_id: 'sevt_x', result: 'allow' },
  { type: 'session.thread_status_terminated', session_thread_id: 'sthr_1' },
];

test('an idle that nothing follows still stands', async () => {
  expect(await tailOf([{ type: 'agent.message', content: [] }, idle()])).toEqual({ kind: 'still-idle' });
});

test('neither does a verdict or an ended thread move a session on', async () => {
  expect(await tailOf([idle(), ...NEUTRAL])).toEqual({ kind: 'still-idle' });
});

test.each([
  'session.status_running',
  'user.message',
  'span.model_request_start',
  'session.updated',
  'brand.new',
])('%s behind it does, though the listener filters most of them', async type => {
  expect(await tailOf([idle(), ...NEUTRAL, { type }])).toEqual({ kind: 'moved-on', by: type });
});

test('what stands before the idle with the same stamp does not count', async () => {
  const processed_at = '2026-03-01T12:00:00Z';
  const events = [
    { type: 'agent.message', processed_at },
    { ...idle(), processed_at },
  ];
  expect(await tailOf(events)).toEqual({ kind: 'still-idle' });
});

test('a queued message counts though it has no stamp yet', async () => {
  expect(await tailOf([idle(), { type: 'user.message', processed_at: null }], 0, null)).toEqual({
    kind: 'moved-on',
    by: 'user.message',
  });
});

test('a queued message counts wherever the list shows it', async () => {
  const data = [
    { type: 'user.message', id: 'sevt_1', processed_at: null },
    { type: 'session.status_idle', id: 'sevt_2', processed_at: '2026-03-01T12:00:00Z' },
  ];
  const server = await startScriptedServer(response => json(response, 200, { data, next_page: null }));
  try {
    const feed = createSessionFeed(createClient({ baseURL: server.url, apiKey: 'key' }));
    const input = { sessionId: 'sesn_1', idleId: 'sevt_2', since: null };
    const tail = await activityEnvironment().run(createReadTail({ feed }), input);
    expect(tail).toEqual({ kind: 'moved-on', by: 'user.message' });
  } finally {
    await server.close();
  }
});

test('an older idle has been moved on from', async () => {
  const tail = await tailOf([idle(), { type: 'session.status_running' }, idle()]);
  expect(tail).toEqual({ kind: 'moved-on', by: 'session.status_running' });
});

test('a list of many pages is read to its end', async () => {
  session.setFaults({ list: { max_page_size: 2, scan_limit: 1 } });
  const events = [idle(), ...NEUTRAL, ...NEUTRAL, ...NEUTRAL, { type: 'user.message' }];
  expect(await tailOf(events)).toEqual({ kind: 'moved-on', by: 'user.message' });
});

test('a termination behind it is the end', async () => {
  const tail = await tailOf([idle(), { type: 'session.status_terminated' }]);
  expect(tail).toEqual({ kind: 'ended', by: 'session.status_terminated' });
});

test('a session that is gone has ended', async () => {
  const input = { sessionId: 'sesn_none', idleId: 'sevt_1', since: null };
  expect(await activityEnvironment().run(readTail, input)).toEqual({ kind: 'ended', by: 'not-found' });
});

const FUTURE = '2999-01-01T00:00:00Z';

test.each([
  ['an idle', [idle('refusal'), ...NEUTRAL], { kind: 'still-idle' }],
  ['a requires_action', [idle('requires_action')], { kind: 'moved-on', by: 'session.status_idle' }],
  ['a message', [idle(), { type: 'user.message' }], { kind: 'moved-on', by: 'user.message' }],
  [
    'a termination',
    [idle(), { type: 'session.status_terminated' }],
    { kind: 'ended', by: 'session.status_terminated' },
  ],
  ['nothing', [], { kind: 'moved-on', by: 'nothing' }],
])('where the idle is not listed the newest event decides: %s', async (_, events, tail) => {
  session.setFaults({ list: { max_page_size: 1 } });
  expect(await tailOf(events, 0, FUTURE)).toEqual(tail);
});

test('an API that is away is asked again later, a refusal is final', async () => {
  session.setFaults({ fail: [{ route: 'list', status: 503 }] });
  await expect(tailOf([idle()])).rejects.toMatchObject({ type: 'ApiUnavailable', nonRetryable: false });
  session.setFaults({ fail: [{ route: 'list', status: 401 }] });
  await expect(tailOf([idle()])).rejects.toMatchObject({ type: 'ApiRefused', nonRetryable: true });
});
