import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import { type Confirmation, type ConfirmationJob, confirm } from '../../src/anthropic/confirm.ts';
import { createSessionFeed, type SessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';

let emulator: Emulator;
let session: SessionHandle;
let feed: SessionFeed;
let callId: string;
let processedAt: string | null;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }), { requestMs: 5_000 });
  hold();
});

afterEach(() => emulator.close());

function hold(permission = 'ask'): void {
  const [event] = session.emit([
    { type: 'agent.tool_use', name: 'bash', input: {}, evaluated_permission: permission },
  ]);
  callId = event?.id ?? '';
  processedAt = String(event?.processed_at);
}

function attempt(more: Partial<ConfirmationJob> = {}): Promise<Confirmation> {
  const job = { sessionId: session.id, callId, result: 'allow' as const, processedAt };
  return confirm(feed, { ...job, firstSeenAt: Date.now(), now: Date.now(), ...more });
}

function verdicts(): unknown[] {
  return session
    .events('user.tool_confirmation')
    .filter(event => event.processed_at !== null)
    .map(({ tool_use_id, result, deny_message }) => [tool_use_id, result, deny_message]);
}

describe('what is accepted', () => {
  test('an approval is posted as it is, and its echo tells that the server has it', async () => {
    expect(await attempt()).toMatchObject({
      kind: 'known',
      events: [{ type: 'user.tool_confirmation', tool_use_id: callId, result: 'allow' }],
    });
    await expect.poll(verdicts).toEqual([[callId, 'allow', undefined]]);
  });

  test('a denial takes its message along, and an approval never carries one', async () => {
    await attempt({ result: 'deny', message: 'too risky' });
    await expect.poll(verdicts).toEqual([[callId, 'deny', 'too risky']]);
    expect(session.events('agent.tool_result')).toHaveLength(1);
    hold();
    expect(await attempt({ result: 'allow', message: 'fine' })).toMatchObject({ kind: 'known' });
  });
});

describe('a refusal is read back before anything is concluded of it', () => {
  test('our own verdict, whose answer was lost, is found', async () => {
    session.setFaults({ lose_responses: 1 });
    expect(await attempt()).toMatchObject({ kind: 'again', why: 'unavailable' });
    await expect.poll(verdicts).toHaveLength(1);
    expect(await attempt()).toMatchObject({ kind: 'known', events: [{ result: 'allow' }] });
    expect(verdicts()).toHaveLength(1);
  });

  test('another verdict that was first is the one that counts', async () => {
    session.send({ type: 'user.tool_confirmation', tool_use_id: callId, result: 'deny' });
    await expect.poll(() => session.events('agent.tool_result')).toHaveLength(1);
    const { events } = (await attempt()) as Extract<Confirmation, { kind: 'known' }>;
    expect(events.map(event => event.type)).toEqual(['user.tool_confirmation', 'agent.tool_result']);
    expect(events[0]).toMatchObject({ result: 'deny' });
  });

  test('the answer that an interrupt closed it with is found', async () => {
    session.send({ type: 'user.interrupt' });
    await expect.poll(() => session.events('agent.tool_result')).toHaveLength(1);
    expect(await attempt()).toMatchObject({ kind: 'known', events: [{ type: 'agent.tool_result' }] });
  });

  test('a call that is not committed yet is tried again', async () => {
    session.setFaults({ commit_race_ms: 60_000 });
    hold();
    expect(await attempt()).toMatchObject({
      kind: 'again',
      why: 'pending',
      reason: expect.stringMatching(/does not match/),
    });
  });

  test('an archived session, or one that is not there, takes nothing more', async () => {
    expect(await attempt({ sessionId: 'sesn_none' })).toMatchObject({
      kind: 'void',
      reason: expect.stringMatching(/is gone/),
    });
    session.archive();
    expect(await attempt()).toMatchObject({ kind: 'void', reason: expect.stringMatching(/archived/) });
  });

  test('what the API will never take is refused after a minute, told from attempt to attempt', async () => {
    hold('allow');
    const first = (await attempt()) as Extract<Confirmation, { kind: 'again' }>;
    expect(first).toMatchObject({
      kind: 'again',
      why: 'pending',
      reason: expect.stringMatching(/not waiting on a confirmation/),
    });
    const refusedSince = first.refusedSince ?? 0;
    const later = { firstSeenAt: 0, now: refusedSince + 60_000, refusedSince };
    expect(await attempt({ ...later, now: later.now - 1 })).toMatchObject({ kind: 'again', refusedSince });
    expect(await attempt(later)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/^400 /) });
  });
});

test.each([
  [{ status: 503 }, 'unavailable', undefined],
  [{ status: 429, retry_after: 4 }, 'unavailable', 4_000],
  [{ status: 401 }, 'unauthorized', undefined],
])(
  '%j is tried again, and takes along what is known of an earlier refusal',
  async (fault, why, retryAfterMs) => {
    session.setFaults({ fail: [{ route: 'send', ...fault }] });
    const came = await attempt({ refusedSince: 7 });
    expect(came).toMatchObject({ kind: 'again', why, refusedSince: 7 });
    expect((came as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs);
  },
);

test('a read-back that fails says nothing of the verdict', async () => {
  session.send({ type: 'user.tool_confirmation', tool_use_id: callId, result: 'deny' });
  session.setFaults({ fail: [{ route: 'list', status: 500 }] });
  expect(await attempt()).toMatchObject({ kind: 'again', why: 'unavailable' });
});
