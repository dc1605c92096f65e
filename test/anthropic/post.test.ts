import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import type { Delivery, DeliveryProgress } from '../../src/anthropic/delivery.ts';
import { createOwnResults, type OwnResults } from '../../src/anthropic/own-results.ts';
import { type DeliveryOptions, deliver, NO_PROGRESS } from '../../src/anthropic/post.ts';
import type { PostItem } from '../../src/anthropic/read-back.ts';
import { createSessionFeed, type SessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { ToolUseType } from '../../src/session/answers.ts';
import { until } from '../support/until.ts';

let emulator: Emulator;
let session: SessionHandle;
let feed: SessionFeed;
let ownResults: OwnResults;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }), { requestMs: 5_000 });
  ownResults = createOwnResults();
});

afterEach(() => emulator.close());

/** Puts a call into the session and gives the result for it. */
function call(type: ToolUseType = 'agent.tool_use', more: Partial<PostItem> = {}): PostItem {
  const [event] = session.emit([{ type, name: 'tool', input: {} }]);
  return itemFor(event?.id ?? '', type, more);
}

function itemFor(id: string, type: ToolUseType = 'agent.tool_use', more: Partial<PostItem> = {}): PostItem {
  const content = [{ type: 'text' as const, text: `result of ${id}` }];
  return { id, type, firstSeenAt: Date.now(), isError: false, content, ...more };
}

let progress: DeliveryProgress = NO_PROGRESS;

async function attempt(
  items: readonly PostItem[],
  options: Partial<DeliveryOptions> = {},
  onProgress = () => {},
): Promise<Delivery> {
  return deliver(
    { feed, ownResults, options },
    {
      sessionId: session.id,
      items,
      progress,
      now: Date.now(),
      onProgress: next => {
        progress = JSON.parse(JSON.stringify(next));
        onProgress();
      },
    },
  );
}

beforeEach(() => {
  progress = NO_PROGRESS;
});

function kinds(delivery: Delivery): string[] {
  return delivery.kind === 'settled' ? delivery.dispositions.map(one => one.kind) : [delivery.kind];
}

function reasons(delivery: Delivery): string {
  if (delivery.kind !== 'settled') return delivery.reason;
  return delivery.dispositions.map(one => one.reason ?? '').join('; ');
}

function posts(): number {
  return emulator.requests().filter(request => request.route === 'send').length;
}

/** How often the server has taken a result for a call. */
function accepted(id: string): number {
  return emulator.ledger(session.id).calls.find(one => one.id === id)?.accepted.length ?? 0;
}

describe('what is accepted', () => {
  test('several results travel in one request, each kind of call with its kind of result, in order', async () => {
    const items = [call(), call('agent.custom_tool_use'), call('agent.tool_use', { isError: true })];
    const delivery = await attempt(items);
    expect(kinds(delivery)).toEqual(['posted', 'posted', 'posted']);
    expect(posts()).toBe(1);
    const [first, second, third] = session.events('user.tool_result', 'user.custom_tool_result');
    expect([first?.tool_use_id, second?.custom_tool_use_id, third?.tool_use_id]).toEqual(
      items.map(item => item.id),
    );
    expect([first?.is_error, third?.is_error]).toEqual([false, true]);
    const at = delivery.kind === 'settled' ? delivery.dispositions.map(one => one.at) : [];
    expect(at).toEqual([first, second, third].map(event => event?.processed_at));
  });

  test('results of more than the limit in sum go out in several requests, a larger one alone', async () => {
    const text = (bytes: number) => ({ content: [{ type: 'text' as const, text: 'x'.repeat(bytes) }] });
    const items = [
      call('agent.tool_use', text(400)),
      call('agent.tool_use', text(400)),
      call('agent.tool_use', text(3_000)),
      call('agent.tool_use', text(10)),
    ];
    expect(kinds(await attempt(items, { requestBytes: 1_200 }))).toEqual(Array(4).fill('posted'));
    expect(posts()).toBe(3);
    expect(session.events('user.tool_result').map(event => event.tool_use_id)).toEqual(
      items.map(item => item.id),
    );
  });

  test('an accepted result is known as our own, so that its echo need not be forwarded', async () => {
    const item = call();
    await attempt([item]);
    expect(ownResults.look(session.id, item.id)).toEqual({ kind: 'accepted' });
  });
});

describe('what passes is tried again', () => {
  test('W-8: a lost response is found out: the result stands once and counts as posted', async () => {
    const items = [call(), call()];
    session.setFaults({ lose_responses: 1 });
    expect(await attempt(items)).toMatchObject({ kind: 'again', why: 'unavailable' });
    const second = await attempt(items);
    expect(kinds(second)).toEqual(['posted', 'posted']);
    expect(items.map(item => accepted(item.id))).toEqual([1, 1]);
    // One refused request tells of both; neither is posted singly.
    expect(posts()).toBe(2);
    expect(second.kind === 'settled' && second.dispositions.every(one => typeof one.at === 'string')).toBe(
      true,
    );
    expect(ownResults.look(session.id, items[0]?.id ?? '')).toEqual({ kind: 'accepted' });
  });

  test('a lost request is posted by the next attempt', async () => {
    const item = call();
    session.setFaults({ lose_requests: 1 });
    expect(await attempt([item])).toMatchObject({ kind: 'again', why: 'unavailable' });
    expect(kinds(await attempt([item]))).toEqual(['posted']);
    expect(accepted(item.id)).toBe(1);
  });

  test('429 asks for another attempt after its retry-after', async () => {
    const item = call();
    session.setFaults({ fail: [{ route: 'send', status: 429, retry_after: 7 }] });
    expect(await attempt([item])).toMatchObject({ kind: 'again', retryAfterMs: 7_000 });
    expect(posts()).toBe(1);
    expect(ownResults.look(session.id, item.id)).toEqual({ kind: 'foreign' });
  });

  test('a wrong key is tried again and named; the listener decides about the session', async () => {
    const item = call();
    session.setFaults({ fail: [{ route: 'send', status: 401, message: 'key revoked' }] });
    expect(await attempt([item])).toEqual({ kind: 'again', why: 'unauthorized', reason: '401 key revoked' });
  });

  test('what an attempt has settled is not posted again by the next one', async () => {
    const items = [call(), call()];
    const limit = { requestBytes: 150 };
    // The first request passes, the second meets an error.
    const failNext = () => session.setFaults({ fail: [{ route: 'send', status: 500, times: 1 }] });
    expect((await attempt(items, limit, failNext)).kind).toBe('again');
    expect(progress.settled.map(one => one.id)).toEqual([items[0]?.id]);
    expect(kinds(await attempt(items, limit))).toEqual(['posted', 'posted']);
    expect(posts()).toBe(3);
  });

  test('of the last result the end of the delivery tells: no heartbeat comes before it', async () => {
    const heard = vi.fn();
    expect(kinds(await attempt([call(), call()], {}, heard))).toEqual(['posted', 'posted']);
    expect(heard).not.toHaveBeenCalled();
  });
});

describe('a refusal is read back (§2.6)', () => {
  test('one bad result does not hold up the others: the request is split', async () => {
    const items = [call(), itemFor('sevt_unknown'), call('agent.custom_tool_use')];
    const delivery = await attempt(items);
    expect(kinds(delivery)).toEqual(['posted', 'alone', 'posted']);
    expect(reasons(delivery)).toContain('does not match');
    expect(items.map(item => accepted(item.id))).toEqual([1, 0, 1]);
  });

  test('a call that an interrupt closed was answered by the server', async () => {
    const closed = session.agent.call('bash', {});
    const [event] = await until('the call is made', () => {
      const calls = session.events('agent.tool_use');
      return calls.length > 0 && calls;
    });
    session.send({ type: 'user.interrupt' });
    await closed;
    const delivery = await attempt([itemFor(event?.id ?? '')]);
    expect(kinds(delivery)).toEqual(['answered-elsewhere']);
    expect(reasons(delivery)).toContain('agent.tool_result');
  });

  test("another client's result is not taken for ours", async () => {
    const item = call();
    const content = [{ type: 'text', text: 'somebody else ran it' }];
    session.send({ type: 'user.tool_result', tool_use_id: item.id, is_error: false, content });
    expect(kinds(await attempt([item]))).toEqual(['answered-elsewhere']);
  });

  test('the same content with the other is_error is not ours', async () => {
    const item = call();
    session.send({ type: 'user.tool_result', tool_use_id: item.id, is_error: true, content: item.content });
    expect(kinds(await attempt([item]))).toEqual(['answered-elsewhere']);
  });

  test('our result counts as ours though the server added fields to it', async () => {
    const item = call();
    const content = item.content.map(block => ({ ...block, citations: null, cache: { a: 1 } }));
    session.emit([{ type: 'user.tool_result', tool_use_id: item.id, is_error: null, content }]);
    expect(kinds(await attempt([item]))).toEqual(['posted']);
  });

  test('the answer is found with and without the stamp of the call, and the list is no longer than needed', async () => {
    for (let n = 0; n < 30; n++) session.emit([{ type: 'agent.tool_result', tool_use_id: `sevt_${n}` }]);
    const [event] = session.emit([{ type: 'agent.tool_use', name: 'tool', input: {} }]);
    const id = event?.id ?? '';
    session.emit([{ type: 'agent.tool_result', tool_use_id: id, is_error: true }]);
    session.setFaults({ list: { max_page_size: 5 } });
    emulator.clearRequests();
    expect(kinds(await attempt([itemFor(id)]))).toEqual(['answered-elsewhere']);
    expect(emulator.requests().filter(request => request.route === 'list')).toHaveLength(1);
    emulator.clearRequests();
    progress = NO_PROGRESS;
    const processedAt = event?.processed_at ?? null;
    expect(kinds(await attempt([itemFor(id, 'agent.tool_use', { processedAt })]))).toEqual([
      'answered-elsewhere',
    ]);
    const [list] = emulator.requests().filter(request => request.route === 'list');
    const asked = new URL(list?.path ?? '', 'http://x').searchParams;
    expect(asked.getAll('types[]').sort()).toEqual([
      'agent.tool_result',
      'user.custom_tool_result',
      'user.tool_result',
    ]);
    expect(Date.parse(asked.get('created_at[gte]') ?? '')).toBe(Date.parse(processedAt ?? '') - 60_000);
  });

  test('an archived session voids the result, with the reason', async () => {
    const item = call();
    session.emit([{ type: 'session.status_idle', stop_reason: { type: 'end_turn' } }]);
    session.archive();
    const delivery = await attempt([item]);
    expect(kinds(delivery)).toEqual(['void']);
    expect(reasons(delivery)).toContain('archived session');
  });

  test('a result that had landed before the session was archived counts as posted all the same', async () => {
    const item = call();
    session.setFaults({ lose_responses: 1 });
    expect((await attempt([item])).kind).toBe('again');
    session.emit([{ type: 'session.status_idle', stop_reason: { type: 'end_turn' } }]);
    session.archive();
    expect(kinds(await attempt([item]))).toEqual(['posted']);
  });

  test('an ended thread voids the results of its calls', async () => {
    const thread = await session.agent.thread('helper');
    const [event] = session.emit([
      { type: 'agent.tool_use', name: 't', input: {}, session_thread_id: thread },
    ]);
    await session.agent.endThread('helper');
    const delivery = await attempt([itemFor(event?.id ?? '')]);
    expect(kinds(delivery)).toEqual(['void']);
    expect(reasons(delivery)).toContain('is terminated');
  });

  test('a session that is gone voids all', async () => {
    const items = [itemFor('sevt_1'), itemFor('sevt_2')];
    const sessionId = 'sesn_none';
    const job = { sessionId, items, progress: NO_PROGRESS, now: Date.now(), onProgress: () => undefined };
    const delivery = await deliver({ feed, ownResults }, job);
    expect(kinds(delivery)).toEqual(['void', 'void']);
    expect(reasons(delivery)).toContain('gone');
  });
});

describe('a refusal without an answer', () => {
  test('W-6: a call that is not committed yet is tried again until it is', async () => {
    session.setFaults({ commit_race_ms: 300 });
    const item = call();
    const first = await attempt([item], { refusedMs: 0 });
    expect(first).toMatchObject({ kind: 'again', why: 'pending' });
    expect(progress.refusedSince[item.id]).toBeTypeOf('number');
    await expect
      .poll(async () => kinds(await attempt([item], { refusedMs: 0 })), { timeout: 15_000 })
      .toEqual(['posted']);
    expect(accepted(item.id)).toBe(1);
  });

  test('a bad result is tried again for a while, then one plain error tells the agent', async () => {
    const item = call('agent.tool_use', { content: [{ type: 'text', text: '' }] });
    const pending = await attempt([item], { refusedMs: 200 });
    expect(pending).toMatchObject({ kind: 'again', why: 'pending' });
    expect(pending.kind === 'again' && pending.reason).toContain('minimum string length');
    await new Promise(resolve => setTimeout(resolve, 250));
    const delivery = await attempt([item], { refusedMs: 200 });
    expect(kinds(delivery)).toEqual(['posted']);
    expect(reasons(delivery)).toContain('plain error');
    const [result] = session.events('user.tool_result');
    expect(result?.is_error).toBe(true);
    expect(JSON.stringify(result?.content)).toContain('The tool ran, but its result could not be delivered');
    expect(JSON.stringify(result?.content)).toContain('minimum string length');
  });

  test('a plain error whose response is lost stands once and counts as posted', async () => {
    const item = call('agent.tool_use', { content: [{ type: 'text', text: '' }] });
    const now = { refusedMs: 0, matchMs: 0 };
    session.setFaults({ lose_responses: 1 });
    expect((await attempt([item], now)).kind).toBe('again');
    expect(kinds(await attempt([item], now))).toEqual(['posted']);
    expect(accepted(item.id)).toBe(1);
  });

  test('a result that is too large is not tried twice', async () => {
    await emulator.close();
    emulator = await startEmulator({ maxBodyBytes: 2_000 });
    session = emulator.createSession({ script: 'manual' });
    feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
    const large = call('agent.tool_use', { content: [{ type: 'text', text: 'x'.repeat(5_000) }] });
    const small = call();
    const delivery = await attempt([large, small]);
    expect(kinds(delivery)).toEqual(['posted', 'posted']);
    expect(session.events('user.tool_result').map(event => [event.tool_use_id, event.is_error])).toEqual([
      [large.id, true],
      [small.id, false],
    ]);
  });

  test('what the API takes in no form is refused, and says so', async () => {
    const delivery = await attempt([itemFor('sevt_unknown')], { refusedMs: 0, matchMs: 0 });
    expect(kinds(delivery)).toEqual(['refused']);
    expect(reasons(delivery)).toContain('400');
    expect(reasons(delivery)).toContain('does not match');
  });

  test('the age of a call counts from when we saw it: an old one is not waited for as uncommitted', async () => {
    const old = itemFor('sevt_unknown', 'agent.tool_use', { firstSeenAt: Date.now() - 61_000 });
    expect(kinds(await attempt([old], { refusedMs: 0 }))).toEqual(['refused']);
    progress = NO_PROGRESS;
    const young = itemFor('sevt_unknown');
    expect(kinds(await attempt([young], { refusedMs: 0 }))).toEqual(['again']);
  });
});

test('an aborted delivery lets go at once, and its result is not taken for delivered', async () => {
  const item = call();
  session.setFaults({ latency_ms: { send: 10_000 } });
  const stopping = new AbortController();
  const job = {
    sessionId: session.id,
    items: [item],
    progress,
    now: Date.now(),
    onProgress: () => undefined,
  };
  const delivery = deliver({ feed, ownResults }, { ...job, signal: stopping.signal });
  await expect.poll(posts, { timeout: 15_000 }).toBe(1);
  stopping.abort(new Error('shutdown'));
  await expect(delivery).rejects.toThrow('shutdown');
  expect(ownResults.look(session.id, item.id)).toEqual({ kind: 'foreign' });
});
