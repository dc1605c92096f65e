import { expect, test } from 'vitest';
import { createAttemptMemory } from '../../src/activities/attempt-memory.ts';

const first = { sessionId: 's', epoch: 1, lease: 1, attempt: 1 };

test('the very next attempt of the lease learns what was signalled, once', () => {
  const memory = createAttemptMemory();
  memory.remember(first, ['a']);
  expect(memory.recall({ ...first, attempt: 2 })).toEqual(['a']);
  expect(memory.recall({ ...first, attempt: 2 })).toEqual([]);
});

test.each([
  ['an attempt that others came before', { attempt: 3 }],
  ['another lease', { lease: 2, attempt: 2 }],
  ['another run', { epoch: 2, attempt: 2 }],
  ['another session', { sessionId: 't', attempt: 2 }],
])('%s does not trust it: what it names may have been signalled in vain', (_, other) => {
  const memory = createAttemptMemory();
  memory.remember(first, ['a']);
  expect(memory.recall({ ...first, ...other })).toEqual([]);
});

test('what nobody asked for in time is forgotten', async () => {
  const memory = createAttemptMemory(0);
  memory.remember(first, ['a']);
  await new Promise(resolve => setTimeout(resolve, 20));
  memory.remember({ ...first, sessionId: 't' }, []);
  expect(memory.recall({ ...first, attempt: 2 })).toEqual([]);
});
