import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAnswerConfirmation } from '../../src/activities/answer-confirmation.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { activityEnvironment } from './activity-environment.ts';

let emulator: Emulator;
let session: SessionHandle;
let answerConfirmation: ReturnType<typeof createAnswerConfirmation>;

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual' });
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  answerConfirmation = createAnswerConfirmation({ feed, refusedMs: 200 });
});

afterEach(() => emulator.close());

function held(evaluated_permission = 'ask') {
  const [event] = session.emit([{ type: 'agent.tool_use', name: 'bash', input: {}, evaluated_permission }]);
  const { id = '', processed_at } = event ?? {};
  return {
    sessionId: session.id,
    callId: id,
    result: 'allow' as const,
    processedAt: String(processed_at),
    firstSeenAt: Date.now(),
  };
}

test('tells what the server has of the verdict', async () => {
  const input = held();
  expect(await activityEnvironment().run(answerConfirmation, input)).toMatchObject({
    kind: 'known',
    events: [{ type: 'user.tool_confirmation', tool_use_id: input.callId, result: 'allow' }],
  });
});

test.each([
  [{ status: 503 }, 'ApiUnavailable', undefined],
  [{ status: 429, retry_after: 4 }, 'ApiUnavailable', 4_000],
  [{ status: 401 }, 'ApiUnauthorized', undefined],
])('%j is a failure that Temporal retries', async (fault, type, nextRetryDelay) => {
  session.setFaults({ fail: [{ route: 'send', ...fault }] });
  const answering = activityEnvironment().run(answerConfirmation, held());
  await expect(answering).rejects.toMatchObject({ type, nonRetryable: false, nextRetryDelay });
});

test('a refusal that says nothing is tried again, the age of the first one goes along, and then it is final', async () => {
  const input = held('allow');
  const first = activityEnvironment();
  await expect(first.run(answerConfirmation, input)).rejects.toMatchObject({
    type: 'ConfirmationPending',
    nonRetryable: false,
  });
  const details = first.heartbeats.at(-1);
  expect(details).toEqual({ refusedSince: expect.any(Number) });
  await new Promise(resolve => setTimeout(resolve, 250));
  const second = activityEnvironment(details);
  session.setFaults({ latency_ms: { send: 1_200 } });
  expect(await second.run(answerConfirmation, input)).toMatchObject({ kind: 'refused' });
  // The first heartbeat of an attempt must not erase what it was given.
  expect(second.heartbeats[0]).toEqual(details);
});
