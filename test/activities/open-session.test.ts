import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOpenSession } from '../../src/activities/open-session.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { activityEnvironment } from './activity-environment.ts';

let emulator: Emulator;
let openSession: ReturnType<typeof createOpenSession>;
const asked: unknown[] = [];
let lookUp: 'works' | 'fails' = 'works';

beforeEach(async () => {
  emulator = await startEmulator();
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  asked.length = 0;
  lookUp = 'works';
  openSession = createOpenSession({
    feed,
    lastHost: async (...args) => {
      asked.push(args);
      if (lookUp === 'fails') throw new Error('visibility is down');
      return { host: 'h1', incarnation: 'i1', runId: 'r0' };
    },
  });
});

afterEach(() => emulator.close());

function open(sessionId: string) {
  return activityEnvironment().run(openSession, { sessionId });
}

test('a last host that cannot be told is asked for again: a guess could run a call twice (I4)', async () => {
  lookUp = 'fails';
  const session = emulator.createSession({ script: 'manual' });
  await expect(open(session.id)).rejects.toMatchObject({
    type: 'LastHostUnknown',
    nonRetryable: false,
    message: expect.stringContaining('visibility is down'),
  });
});

test('a session is told with where its workflow ran last', async () => {
  const session = emulator.createSession({ script: 'manual', title: 'Fix the tests' });
  expect(await open(session.id)).toEqual({
    status: 'idle',
    title: 'Fix the tests',
    archived: false,
    lastHost: { host: 'h1', incarnation: 'i1', runId: 'r0' },
    runId: 'run_now',
  });
  expect(asked).toEqual([['sesn_workflow', 'run_now']]);
});

test('an archived session is data, not a failure', async () => {
  const session = emulator.createSession({ script: 'manual' });
  session.archive();
  expect(await open(session.id)).toMatchObject({ status: 'terminated', archived: true });
});

test.each(['sesn_none', '', '..', '../sessions', 'a/b', 'sesn_1?x=1', ' '])(
  'the id %j is not found, for good',
  async id => {
    await expect(open(id)).rejects.toMatchObject({ type: 'SessionNotFound', nonRetryable: true });
  },
);

test.each([
  [401, 'ApiRefused', true],
  [403, 'ApiRefused', true],
  [400, 'SessionNotFound', true],
  [429, 'ApiUnavailable', false],
  [529, 'ApiUnavailable', false],
])('%i is %s', async (status, type, nonRetryable) => {
  const session = emulator.createSession({ script: 'manual' });
  session.setFaults({ fail: [{ route: 'retrieve', status, message: 'said the API' }] });
  await expect(open(session.id)).rejects.toMatchObject({
    type,
    nonRetryable,
    message: expect.stringContaining('said the API'),
  });
});
