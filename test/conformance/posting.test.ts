/** Rows of the catalogue about the sending of results, where ours differs on purpose: nothing is given up. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPostResults } from '../../src/activities/post-results.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createOwnResults } from '../../src/anthropic/own-results.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { POST } from '../../src/workflows/activity-options.ts';
import { activityEnvironment } from '../activities/activity-environment.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

test('row 16: a send that fails in passing is never given up, however old the call is', async () => {
  const session = emulator.createSession({ script: 'manual' });
  const [event] = session.emit([{ type: 'agent.tool_use', name: 'bash', input: {} }]);
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  const postResults = createPostResults({ feed, ownResults: createOwnResults() });
  const content = [{ type: 'text' as const, text: 'kept' }];
  const call = { id: event?.id ?? '', type: 'agent.tool_use' as const, firstSeenAt: Date.now() - 86_400_000 };
  const results = [{ ...call, isError: false, content }];
  session.setFaults({ fail: [{ route: 'send', status: 503, times: 8 }] });
  let details: unknown;
  for (let attempt = 1; attempt <= 8; attempt++) {
    const env = activityEnvironment(details);
    const posting = env.run(postResults, { sessionId: session.id, results });
    await expect(posting).rejects.toMatchObject({ type: 'ApiUnavailable', nonRetryable: false });
    details = env.heartbeats.at(-1);
  }
  const posted = await activityEnvironment(details).run(postResults, { sessionId: session.id, results });
  expect(posted).toMatchObject([{ kind: 'posted' }]);
  expect(session.events('user.tool_result')).toMatchObject([{ content }]);
});

test('row 16: neither a number of attempts nor a time over all of them ends the sending', () => {
  expect(POST.retry?.maximumAttempts).toBeUndefined();
  expect(POST.scheduleToCloseTimeout).toBeUndefined();
  expect(POST.scheduleToStartTimeout).toBeUndefined();
});
