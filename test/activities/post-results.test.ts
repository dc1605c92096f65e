import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPostResults, type PostItem } from '../../src/activities/post-results.ts';
import { createClient } from '../../src/anthropic/client.ts';
import type { DeliveryProgress } from '../../src/anthropic/delivery.ts';
import { createOwnResults } from '../../src/anthropic/own-results.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { activityEnvironment } from './activity-environment.ts';

let emulator: Emulator;
let session: SessionHandle;
let postResults: ReturnType<typeof createPostResults>;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  postResults = createPostResults({
    feed,
    ownResults: createOwnResults(),
    options: { refusedMs: 200, matchMs: 0 },
  });
});

afterEach(() => emulator.close());

function call(text = 'done'): PostItem {
  const [event] = session.emit([{ type: 'agent.custom_tool_use', name: 'tool', input: {} }]);
  const content = [{ type: 'text' as const, text }];
  return {
    id: event?.id ?? '',
    type: 'agent.custom_tool_use',
    firstSeenAt: Date.now(),
    isError: false,
    content,
  };
}

function posts(): number {
  return emulator.requests().filter(request => request.route === 'send').length;
}

test('what was posted is told one by one, in the order it was given', async () => {
  const results = [call(), call()];
  const dispositions = await activityEnvironment().run(postResults, { sessionId: session.id, results });
  expect(dispositions.map(one => [one.id, one.kind])).toEqual(results.map(item => [item.id, 'posted']));
});

test('no results are no request', async () => {
  expect(await activityEnvironment().run(postResults, { sessionId: session.id, results: [] })).toEqual([]);
  expect(posts()).toBe(0);
});

test.each([
  [{ status: 503 }, 'ApiUnavailable', undefined],
  [{ status: 429, retry_after: 4 }, 'ApiUnavailable', 4_000],
  [{ status: 401 }, 'ApiUnauthorized', undefined],
  [{ status: 403 }, 'ApiUnauthorized', undefined],
])('%j is a failure that Temporal retries', async (fault, type, nextRetryDelay) => {
  session.setFaults({ fail: [{ route: 'send', ...fault }] });
  const posting = activityEnvironment().run(postResults, { sessionId: session.id, results: [call()] });
  await expect(posting).rejects.toMatchObject({
    type,
    nonRetryable: false,
    nextRetryDelay,
    message: expect.stringContaining(String(fault.status)),
  });
  expect(posts()).toBe(1);
});

test('row 14: a refusal is not hammered: one attempt posts once, and what it saw goes to the next', async () => {
  const bad = call('');
  const first = activityEnvironment();
  const posting = first.run(postResults, { sessionId: session.id, results: [bad] });
  await expect(posting).rejects.toMatchObject({
    type: 'ResultPending',
    nonRetryable: false,
    message: expect.stringContaining('minimum string length'),
  });
  expect(posts()).toBe(1);
  const details = first.heartbeats.at(-1) as DeliveryProgress;
  expect(details.refusedSince[bad.id]).toBeTypeOf('number');
  await new Promise(resolve => setTimeout(resolve, 250));
  const second = activityEnvironment(details);
  const [disposition] = await second.run(postResults, { sessionId: session.id, results: [bad] });
  expect(disposition).toMatchObject({ kind: 'posted', reason: expect.stringContaining('plain error') });
  // The first heartbeat of an attempt must not erase what it was given.
  expect(second.heartbeats[0]).toEqual(details);
});

test('rows 15, 18: however often it fails, a result is posted in the end, and stands once (I5)', async () => {
  const item = call('kept');
  session.setFaults({ fail: [{ route: 'send', status: 500, times: 5 }], lose_responses: 1 });
  let details: unknown;
  for (let attempt = 1; attempt <= 6; attempt++) {
    const env = activityEnvironment(details);
    await expect(env.run(postResults, { sessionId: session.id, results: [item] })).rejects.toThrow();
    details = env.heartbeats.at(-1);
  }
  const dispositions = await activityEnvironment(details).run(postResults, {
    sessionId: session.id,
    results: [item],
  });
  expect(dispositions.map(one => one.kind)).toEqual(['posted']);
  expect(emulator.ledger(session.id).calls[0]?.accepted).toHaveLength(1);
});

test('a shutdown lets go at once and asks for the next attempt in 1 ms', async () => {
  session.setFaults({ latency_ms: { send: 20_000 } });
  const env = activityEnvironment();
  const posting = env.run(postResults, { sessionId: session.id, results: [call()] });
  posting.catch(() => undefined);
  await expect.poll(posts, { timeout: 15_000 }).toBe(1);
  env.shutDown();
  await expect(posting).rejects.toMatchObject({ nonRetryable: false, nextRetryDelay: 1 });
});
