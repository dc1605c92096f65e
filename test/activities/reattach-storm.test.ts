/** Many sessions at once on one worker: what reaches the API is paced, and all are served (part of I11). */
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, it } from 'vitest';
import { createRequestBudget } from '../../src/anthropic/request-budget.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/server.ts';
import { until } from '../support/until.ts';
import { type Listening, startWorker, type Worker } from './listening.ts';

let emulator: Emulator;
let worker: Worker;
let startedAt: number;
/** Kinds of the requests that had to wait. */
let waited: Set<string>;

afterEach(async () => {
  await worker.close();
  await emulator.close();
});

async function begin(read: number, options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ requestLogLimit: 50_000, ...options });
  startedAt = Date.now();
  waited = new Set();
  const observe = { made: () => {}, waited: (kind: string) => waited.add(kind), limited: () => {} };
  const budget = createRequestBudget({ perMinute: { read }, observe, log: () => undefined });
  worker = startWorker(emulator.url, undefined, budget);
}

const manual = () => emulator.createSession({ script: 'manual' });
const reads = () => emulator.requests().filter(({ method }) => method === 'GET');

/** As Temporal does: an attempt that failed is followed by another, after the time that it asked for. */
async function attached(session: SessionHandle): Promise<Listening> {
  for (let attempt = 1; ; attempt++) {
    const listening = worker.listen(session.id, { attempt });
    const failed = listening.result.then(
      () => undefined,
      error => error,
    );
    const error = await Promise.race([listening.listed().then(() => undefined), failed]);
    if (error === undefined) return listening;
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ type: 'StreamLost', nonRetryable: false });
    await new Promise(resolve => setTimeout(resolve, error.nextRetryDelay));
  }
}

describe('500 sessions that attach after a restart', () => {
  it('reach the API no faster than the budget allows, all in time, while posts go at once', async () => {
    const perMinute = 12_000;
    await begin(perMinute);
    const sessions = Array.from({ length: 500 }, manual);
    const busy = emulator.createSession({ script: [{ call: 'bash', input: {} }], message: 'go' });
    const call = await until('the call', () => busy.events('agent.tool_use')[0]);
    const listenings = sessions.map(({ id }) => worker.listen(id));
    await until('reads wait', () => waited.has('read'));
    await worker.feed.send(busy.id, [{ type: 'user.tool_result', tool_use_id: call.id, content: [] }]);
    const listed = () => listenings.filter(({ batches }) => batches.some(batch => batch.listed)).length;
    await expect.poll(listed, { timeout: 120_000, interval: 50 }).toBe(500);

    const arrived = reads().map(({ at }) => at - startedAt);
    expect(arrived).toHaveLength(1_000);
    // No request arrives before it may leave; that one is late says nothing.
    const allowed = (at: number) => perMinute / 40 + ((at + 5) * perMinute * 7) / 8 / 60_000;
    expect(arrived.filter((at, n) => n + 1 > allowed(at))).toEqual([]);
    expect(emulator.requests().every(({ status }) => status === 200)).toBe(true);
    // They wait in their slots, and say that they live.
    expect(listenings.at(-1)?.heartbeats.length).toBeGreaterThan(2);
    expect([...waited]).toEqual(['read']);
  }, 150_000);
});

describe('an API that takes fewer requests than we think', () => {
  it('is learned from: few are refused, and all sessions attach in the end', async () => {
    await begin(60_000, { readLimit: { requests: 20, windowMs: 500 } });
    await Promise.all(Array.from({ length: 60 }, manual).map(attached));
    const refused = reads().filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    // Without learning, every window would refuse all that wait.
    expect(refused.length).toBeLessThan(120);
  });
});
