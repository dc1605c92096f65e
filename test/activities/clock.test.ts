/** The wall clock may be set at any time: what is due soon must not wait for it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAttemptMemory } from '../../src/activities/attempt-memory.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { until } from '../support/until.ts';
import { startWorker, type Worker } from './listening.ts';

let emulator: Emulator;
let worker: Worker;

beforeEach(async () => {
  emulator = await startEmulator();
  worker = startWorker(emulator.url);
});

afterEach(async () => {
  vi.useRealTimers();
  await worker.close();
  await emulator.close();
});

test('a clock that is set back does not hold events up: an event is signalled within its few milliseconds', async () => {
  const session = emulator.createSession({ script: 'manual' });
  const listening = worker.listen(session.id);
  await listening.listed();
  // Standing still is what a clock does, on average, that is set back again and again.
  vi.useFakeTimers({ toFake: ['Date'] });
  for (let i = 0; i < 3; i++) {
    session.emit([{ type: 'agent.tool_use', name: 'bash', input: {} }]);
    const elapsed = performance.now() + 15_000;
    while (listening.events().length <= i && performance.now() < elapsed)
      await new Promise(resolve => setImmediate(resolve));
    expect(listening.events()).toHaveLength(i + 1);
    vi.setSystemTime(Date.now() - 3_600_000);
  }
});

test('a clock that is set forward does not end a lease', async () => {
  const session = emulator.createSession({ script: 'manual' });
  const listening = worker.listen(session.id, { leaseMs: 600_000 });
  await listening.listed();
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + 7 * 86_400_000);
  let ended = false;
  const end = () => {
    ended = true;
  };
  void listening.result.then(end, end);
  session.emit([{ type: 'agent.tool_use', name: 'bash', input: {} }]);
  await until('the event is signalled', () => listening.events().length === 1);
  expect(ended).toBe(false);
});

test('a clock that is set forward does not make an attempt forget what the one before it had signalled', () => {
  const memory = createAttemptMemory();
  const id = { sessionId: 'sesn_1', epoch: 1, lease: 1 };
  memory.remember({ ...id, attempt: 1 }, ['a']);
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + 3_600_000);
  memory.remember({ ...id, sessionId: 'sesn_2', attempt: 1 }, ['b']);
  expect(memory.recall({ ...id, attempt: 2 })).toEqual(['a']);
});
