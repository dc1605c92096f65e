/** Refusals of §2.6 that come in the middle of a post, or for what the result is; and whose clock ages are told by. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import type { Delivery, DeliveryProgress } from '../../src/anthropic/delivery.ts';
import { createOwnResults } from '../../src/anthropic/own-results.ts';
import { type DeliveryOptions, deliver, NO_PROGRESS } from '../../src/anthropic/post.ts';
import type { PostItem } from '../../src/anthropic/read-back.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { ToolUseType } from '../../src/session/answers.ts';
import { until } from '../support/until.ts';

let emulator: Emulator;
let session: SessionHandle;
let progress: DeliveryProgress;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  progress = NO_PROGRESS;
});

afterEach(() => emulator.close());

/** A call of the session, and a result for it. */
function call(type: ToolUseType, more: Partial<PostItem> = {}): PostItem {
  const [event] = session.emit([{ type, name: 'tool', input: {} }]);
  const id = event?.id ?? '';
  const content = [{ type: 'text' as const, text: `result of ${id}` }];
  return { id, type, firstSeenAt: Date.now(), isError: false, content, ...more };
}

function attempt(
  items: readonly PostItem[],
  options: Partial<DeliveryOptions> = {},
  now = Date.now(),
): Promise<Delivery> {
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  const onProgress = (next: DeliveryProgress) => {
    progress = JSON.parse(JSON.stringify(next));
  };
  const job = { sessionId: session.id, items, progress, now, onProgress };
  return deliver({ feed, ownResults: createOwnResults(), options }, job);
}

function kinds(delivery: Delivery): string[] {
  return delivery.kind === 'settled' ? delivery.dispositions.map(one => one.kind) : [delivery.kind];
}

function sends(): (number | null)[] {
  return emulator
    .requests()
    .filter(({ route }) => route === 'send')
    .map(({ status }) => status);
}

/** Starts an attempt whose request the server holds back, and does `what` before it is judged. */
async function whileOnItsWay(items: readonly PostItem[], what: () => void): Promise<Delivery> {
  session.setFaults({ latency_ms: { send: 300 } });
  const delivery = attempt(items);
  await until('the request is there', () => sends().length === 1);
  what();
  return delivery;
}

test('a session that ends while a post is on its way voids it, and it is not posted again', async () => {
  const delivery = await whileOnItsWay([call('agent.tool_use')], () => session.agent.terminate());
  expect(kinds(delivery)).toEqual(['void']);
  expect(sends()).toEqual([400]);
});

test('an interrupt that closes the call while its post is on the way: the server has answered it', async () => {
  const items = [call('agent.tool_use'), call('agent.custom_tool_use')];
  const delivery = await whileOnItsWay(items, () => session.send({ type: 'user.interrupt' }));
  expect(kinds(delivery)).toEqual(['answered-elsewhere', 'answered-elsewhere']);
  expect(delivery).toMatchObject({
    dispositions: [{ reason: 'the server answered it (agent.tool_result)' }, {}],
  });
  // Nothing was guessed: neither result was tried a second time.
  expect(sends()).toEqual([400]);
});

test.each([
  ['agent.tool_use', 'agent.custom_tool_use'],
  ['agent.custom_tool_use', 'agent.tool_use'],
] as const)(
  'a result of the wrong kind for %s matches nothing: it is waited for, told plainly, then refused',
  async (of, as) => {
    const { id } = call(of);
    const item: PostItem = { ...call(of), id, type: as };
    expect(kinds(await attempt([item]))).toEqual(['again']);
    const delivery = await attempt([item], { matchMs: 0, refusedMs: 0 });
    expect(kinds(delivery)).toEqual(['refused']);
    expect(delivery).toMatchObject({
      dispositions: [{ reason: expect.stringMatching(/400 .*does not match/) }],
    });
    expect(session.info().open_calls).toContain(id);
  },
);

test('a request that is too large as a whole is split, and no result is given up for it', async () => {
  const items = [call('agent.tool_use'), call('agent.custom_tool_use'), call('agent.tool_use')];
  session.setFaults({ fail: [{ route: 'send', status: 413, times: 1 }] });
  expect(kinds(await attempt(items))).toEqual(['posted', 'posted', 'posted']);
  expect(sends()).toEqual([413, 200, 200, 200]);
});

test('retry-after holds for a batch as it does for one, also when it is named within its split', async () => {
  const items = [call('agent.tool_use'), call('agent.tool_use')];
  session.setFaults({
    fail: [
      { route: 'send', status: 413, times: 1 },
      { route: 'send', status: 429, times: 1, retry_after: 7 },
    ],
  });
  expect(await attempt(items)).toMatchObject({ kind: 'again', why: 'unavailable', retryAfterMs: 7_000 });
  expect(kinds(await attempt(items))).toEqual(['posted', 'posted']);
  expect(session.events('user.tool_result')).toHaveLength(2);
});

// Two workers whose clocks are hours apart may serve attempts of one post.
test('ages are told by the clock that saw the call, whatever this machine’s clock says', async () => {
  session.setFaults({ commit_race_ms: 60_000 });
  const hours = 2 * 3_600_000;
  const seen = Date.now() - hours;
  const item = call('agent.tool_use', { firstSeenAt: seen });
  expect(kinds(await attempt([item], { refusedMs: 0 }, seen + 1_000))).toEqual(['again']);
  expect(progress.refusedSince[item.id]).toBe(seen + 1_000);
  expect(kinds(await attempt([item], {}, seen + 50_000))).toEqual(['again']);
  // And a minute is over when it is over there.
  expect(kinds(await attempt([item], {}, seen + 61_001))).toEqual(['refused']);
});
