/** A session of 50,000 events: what a first attach and a reconnect cost (design §10; times are printed, not judged). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { startWorker, type Worker } from './listening.ts';

const EVENTS = 50_000;
const FIRST = Date.parse('2026-03-01T00:00:00Z');

let emulator: Emulator;
let session: SessionHandle;
let worker: Worker;

/** Answered calls and messages, one event a second; the last call is open. */
function history(): NewEvent[] {
  return Array.from({ length: EVENTS }, (_, i) => {
    const processed_at = new Date(FIRST + i * 1_000).toISOString();
    const id = `sevt_${i}`;
    if (i % 4 === 0 || i === EVENTS - 1) {
      const input = { command: `echo ${'x'.repeat(500)}` };
      return { type: 'agent.tool_use', id, processed_at, name: 'bash', input };
    }
    if (i % 4 === 1) {
      const content = [{ type: 'text', text: 'y'.repeat(500) }];
      return { type: 'user.tool_result', id, processed_at, tool_use_id: `sevt_${i - 1}`, content };
    }
    return { type: 'agent.message', id, processed_at, content: [{ type: 'text', text: 'z'.repeat(200) }] };
  });
}

beforeEach(async () => {
  emulator = await startEmulator();
  session = emulator.createSession({ script: 'manual', history: history() });
  worker = startWorker(emulator.url);
});

afterEach(async () => {
  await worker.close();
  await emulator.close();
});

function lists(): string[] {
  return emulator.requests().flatMap(({ route, path }) => (route === 'list' ? [path] : []));
}

/** The first request of a process costs more than the session does. */
async function warmUp(): Promise<void> {
  const other = emulator.createSession({ script: 'manual' });
  await worker.listen(other.id).listed();
  emulator.clearRequests();
}

test('a reconnect is at most two lists of 100 kB in all, however long the session is', async () => {
  await warmUp();
  const at = new Date(FIRST + (EVENTS - 1) * 1_000).toISOString();
  const known = [`sevt_${EVENTS - 1}`];
  const began = performance.now();
  const listening = worker.listen(session.id, { cursor: { at }, known, attempt: 2 });
  await listening.listed();
  const ms = performance.now() - began;
  expect(lists().length).toBeLessThanOrEqual(2);
  const bodies = await Promise.all(
    lists().map(path => fetch(emulator.url + path, { headers: { 'x-api-key': 'key' } }).then(r => r.text())),
  );
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  expect(bytes).toBeLessThan(100_000);
  console.info(`reconnect to ${EVENTS} events: ${bodies.length} lists, ${bytes} bytes, ${ms.toFixed(0)} ms`);
});

test('a first attach reads it once and signals only what is open', async () => {
  const began = performance.now();
  const listening = worker.listen(session.id);
  await listening.listed();
  const ms = performance.now() - began;
  expect(listening.events().map(event => event.id)).toEqual([`sevt_${EVENTS - 1}`]);
  expect(listening.batches).toHaveLength(1);
  console.info(`first attach to ${EVENTS} events: ${lists().length} lists, ${ms.toFixed(0)} ms`);
});
