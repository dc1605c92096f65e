/** What comes after the first attach: reconnects, leases, endings, cancellation, echoes. */
import { CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListenHeartbeat } from '../../src/activities/listen.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { until } from '../support/until.ts';
import { startWorker, type Worker } from './listening.ts';

let emulator: Emulator;
let session: SessionHandle;
let worker: Worker;

beforeEach(async () => {
  emulator = await startEmulator({ stampResolution: 'unique', pingMs: 30 });
  session = emulator.createSession({ script: 'manual' });
  worker = startWorker(emulator.url);
});

afterEach(async () => {
  await worker.close();
  await emulator.close();
});

function toolUse(more: object = {}): NewEvent {
  return { type: 'agent.tool_use', name: 'bash', input: { command: 'ls' }, ...more };
}

function emit(event: NewEvent) {
  const [emitted] = session.emit([event]);
  if (emitted === undefined) throw new Error('nothing was emitted');
  return emitted;
}

function requests(route: string) {
  return emulator.requests().filter(request => request.route === route);
}

async function streams(count: number): Promise<void> {
  await until(`${count} streams are open`, () => session.info().streams === count);
}

describe('reconnecting', () => {
  test('W-12: it lists from 60 s before the cursor and forwards only what is new', async () => {
    const at = '2026-03-01T12:00:00.000000Z';
    emit(toolUse({ processed_at: '2026-03-01T11:00:00Z' }));
    const known = emit(toolUse({ processed_at: '2026-03-01T11:59:30Z' }));
    const last = emit(toolUse({ processed_at: at }));
    const late = emit(toolUse({ processed_at: '2026-03-01T11:59:40Z' }));
    const next = emit(toolUse({ processed_at: '2026-03-01T12:00:05Z' }));
    const listening = worker.listen(session.id, { cursor: { at }, known: [known.id, last.id], attempt: 2 });
    await listening.listed();
    expect(
      listening
        .events()
        .map(event => event.id)
        .sort(),
    ).toEqual([late.id, next.id].sort());
    expect(listening.batches.at(-1)?.cursor.at).toBe(next.processed_at);
    expect(requests('list')).toHaveLength(1);
    const asked = new URL(requests('list')[0]?.path ?? '', 'http://x').searchParams;
    expect(asked.get('created_at[gte]')).toBe('2026-03-01T11:59:00.000Z');
    expect(asked.getAll('types[]')).toHaveLength(13);
  });

  test('what a run has left out is told again, with the answers that its other calls have had since', async () => {
    const [known, left, answered] = [emit(toolUse()), emit(toolUse()), emit(toolUse())];
    const done = [known, answered].map(({ id }) =>
      emit({ type: 'agent.tool_result', tool_use_id: id, is_error: true, content: [] }),
    );
    const last = emit({ type: 'session.status_running' });
    const cursor = { at: left.processed_at };
    const listening = worker.listen(session.id, { cursor, known: [known.id], reread: true });
    await listening.listed();
    const told = [left.id, ...done.map(({ id }) => id), last.id];
    expect(listening.events().map(event => event.id)).toEqual(told);
    expect(listening.batches.filter(batch => batch.listed)).toHaveLength(1);
  });

  test('with nothing new it says so with an empty batch', async () => {
    const last = emit(toolUse());
    const listening = worker.listen(session.id, { cursor: { at: last.processed_at }, known: [last.id] });
    await listening.listed();
    expect(listening.batches.map(batch => batch.events)).toEqual([[]]);
  });

  test('an earlier attempt that got further than the input knew is resumed where it was', async () => {
    const early = emit(toolUse({ processed_at: '2026-03-01T10:00:00Z' }));
    const later = emit(toolUse({ processed_at: '2026-03-01T12:00:00Z' }));
    const listening = worker.listen(session.id, {
      attempt: 2,
      cursor: { at: early.processed_at },
      heartbeatDetails: { cursor: { at: later.processed_at } },
    });
    await listening.listed();
    expect(listening.events().map(event => event.id)).toEqual([later.id]);
    await expect
      .poll(() => listening.heartbeats[0], { timeout: 5_000 })
      .toEqual({ cursor: { at: later.processed_at } });
  });

  test('older heartbeat details do not turn the cursor back', async () => {
    const later = emit(toolUse());
    const listening = worker.listen(session.id, {
      attempt: 2,
      cursor: { at: later.processed_at },
      heartbeatDetails: { cursor: { at: '2001-01-01T00:00:00Z' } },
    });
    await listening.listed();
    expect(listening.batches.at(-1)?.cursor.at).toBe(later.processed_at);
  });

  test('a busy stream that is cut is opened again soon, and its last heartbeat says how far it came', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    const call = emit(toolUse());
    await until('the call arrives', () => listening.events().length === 1);
    session.cutStreams();
    const failure = await listening.result.catch(error => error);
    expect(failure).toMatchObject({ type: 'StreamLost', nonRetryable: false, category: 'BENIGN' });
    expect(failure.nextRetryDelay).toBeGreaterThanOrEqual(100);
    expect(failure.nextRetryDelay).toBeLessThanOrEqual(500);
    expect(listening.heartbeats.at(-1)).toEqual({ cursor: { at: call.processed_at } });
  });

  test('a stream that brought nothing leaves the delay to the growing back-off of Temporal', async () => {
    session.setFaults({ stream: { close_at_connect: 1 } });
    const listening = worker.listen(session.id);
    const failure = await listening.result.catch(error => error);
    expect(failure).toMatchObject({ type: 'StreamLost', nonRetryable: false });
    expect(failure.nextRetryDelay).toBeUndefined();
    // What was listed has arrived all the same.
    expect(listening.batches.map(batch => batch.listed)).toEqual([true]);
  });

  test('W-12: across cuts every event is signalled once, and a reconnect is one list', async () => {
    session.setFaults({ stream: { cut_after_events: 3 } });
    const seen: string[] = [];
    let heartbeatDetails: ListenHeartbeat | undefined;
    for (let attempt = 1; attempt <= 6; attempt++) {
      const listening = worker.listen(session.id, {
        attempt,
        ...(heartbeatDetails ? { heartbeatDetails } : {}),
      });
      await listening.listed();
      if (attempt < 6) {
        for (let n = 0; n < 5; n++) emit(toolUse());
        await expect(listening.result).rejects.toMatchObject({ type: 'StreamLost' });
      }
      for (const event of listening.events()) seen.push(event.id);
      heartbeatDetails = listening.heartbeats.at(-1);
    }
    expect(seen).toEqual(session.events().map(event => event.id));
    expect(requests('list')).toHaveLength(6);
  });

  test('another worker does not know what was signalled, so it signals the overlap again', async () => {
    const first = worker.listen(session.id);
    await first.listed();
    const call = emit(toolUse());
    await until('the call arrives', () => first.events().length === 1);
    session.cutStreams();
    await expect(first.result).rejects.toThrow();
    await worker.close();
    worker = startWorker(emulator.url);
    const second = worker.listen(session.id, { attempt: 2, cursor: { at: call.processed_at } });
    await second.listed();
    expect(second.events().map(event => event.id)).toEqual([call.id]);
  });

  test('a half-open stream is given up, a quiet one with pings is not', async () => {
    const options = { silenceMs: 400 };
    const listening = worker.listen(session.id, { options });
    await listening.listed();
    // Longer than the limit: only the pings, every 30 ms, keep it.
    await new Promise(resolve => setTimeout(resolve, 900));
    emit(toolUse());
    await until('the call arrives', () => listening.events().length === 1);
    session.setFaults({ stream: { silent: true } });
    await expect(listening.result).rejects.toMatchObject({
      type: 'StreamLost',
      message: expect.stringContaining('silent for 400 ms'),
    });
  });

  test('a 429 on connect asks for the next attempt after its retry-after', async () => {
    session.setFaults({ fail: [{ route: 'stream', status: 429, retry_after: 3 }] });
    await expect(worker.listen(session.id).result).rejects.toMatchObject({
      type: 'StreamLost',
      nonRetryable: false,
      nextRetryDelay: 3_000,
    });
  });

  test('an API that cannot be reached is named with its address', async () => {
    await emulator.goDown();
    await expect(worker.listen(session.id).result).rejects.toMatchObject({
      type: 'StreamLost',
      nonRetryable: false,
      message: expect.stringContaining(`cannot reach the API at ${emulator.url}: `),
    });
  });
});

test('a frame of an answered call that comes again much later does not bring it back to life', async () => {
  const call = emit(toolUse({ processed_at: '2026-03-01T11:00:00Z' }));
  emit({ type: 'agent.tool_result', tool_use_id: call.id, processed_at: '2026-03-01T11:00:01Z' });
  emit({ type: 'session.status_running', processed_at: '2026-03-01T12:00:00Z' });
  const listening = worker.listen(session.id);
  await listening.listed();
  session.emit([call], { log: false });
  const next = emit(toolUse());
  await until('the next call arrives', () => listening.events().at(-1)?.id === next.id);
  expect(listening.events().map(event => event.id)).not.toContain(call.id);
});

describe('what the API means for good', () => {
  test('row 65: a 401 on connect is final, after exactly one connect', async () => {
    emulator.setKeys({ apiKeys: ['other'], environmentKeys: ['other'] });
    await expect(worker.listen(session.id).result).rejects.toMatchObject({
      type: 'ApiRefused',
      nonRetryable: true,
      message: expect.stringContaining('401'),
      details: [{ status: 401, message: expect.any(String) }],
    });
    expect(emulator.requests().map(request => request.route)).toEqual(['stream']);
  });

  test('W-13: a 403 on the list is final too, and the stream is let go', async () => {
    session.setFaults({ fail: [{ route: 'list', status: 403, message: 'not yours' }] });
    await expect(worker.listen(session.id).result).rejects.toMatchObject({
      type: 'ApiRefused',
      nonRetryable: true,
      message: expect.stringContaining('403: not yours'),
    });
    await streams(0);
  });

  test('a session that does not exist is told apart', async () => {
    await expect(worker.listen('sesn_none').result).rejects.toMatchObject({
      type: 'SessionNotFound',
      nonRetryable: true,
      details: [{ status: 404, message: expect.stringContaining('sesn_none') }],
    });
  });
});

describe('leases', () => {
  test('the next lease takes over the open stream: no second connect, no list, nothing lost', async () => {
    const first = worker.listen(session.id, { lease: 1, maxEvents: 2 });
    await first.listed();
    const a = emit(toolUse());
    const b = emit(toolUse());
    const ended = await first.result;
    expect(ended).toEqual({ kind: 'lease-ended', cursor: { at: b.processed_at } });
    const between = emit(toolUse());
    emulator.clearRequests();
    const second = worker.listen(session.id, { lease: 2, cursor: ended.cursor, known: [a.id, b.id] });
    await until('the event between the leases arrives', () => second.events().length === 1);
    const after = emit(toolUse());
    await until('the event after it arrives', () => second.events().length === 2);
    expect(second.events().map(event => event.id)).toEqual([between.id, after.id]);
    expect(second.batches[0]).toMatchObject({ lease: 2, listed: true });
    expect(emulator.requests()).toEqual([]);
    expect(session.info().streams).toBe(1);
  });

  test('a lease ends by its time too, and leaves lazy events to the next', async () => {
    const options = { lazyFlushMs: 600_000 };
    const call = emit(toolUse());
    const first = worker.listen(session.id, { leaseMs: 500, options });
    await first.listed();
    const running = emit({ type: 'session.status_running' });
    const ended = await first.result;
    expect(first.events().map(event => event.id)).toEqual([call.id]);
    const second = worker.listen(session.id, { lease: 2, cursor: ended.cursor, options });
    emit({ type: 'user.interrupt' });
    await until('the interrupt arrives', () => second.types().includes('user.interrupt'));
    expect(second.events()[0]?.id).toBe(running.id);
    expect(requests('list')).toHaveLength(1);
  });

  test('a lease does not end before its history is signalled to its end', async () => {
    for (let n = 0; n < 300; n++) emit(toolUse());
    const listening = worker.listen(session.id, { leaseMs: 0, maxEvents: 1 });
    const ended = await listening.result;
    expect(listening.batches.map(batch => batch.listed)).toEqual([false, true]);
    expect(ended.cursor.at).toBe(session.events().at(-1)?.processed_at);
  });

  test.each([
    ['the whole history', null, true],
    ['from elsewhere', '2001-01-01T00:00:00Z', false],
  ])('a lease that wants to read %s does not take over the open stream', async (_, at, whole) => {
    const call = emit(toolUse());
    const first = worker.listen(session.id, { maxEvents: 1 });
    await first.result;
    const second = worker.listen(session.id, { lease: 2, cursor: { at } });
    await second.listed();
    expect(second.events().map(event => event.id)).toEqual([call.id]);
    expect(requests('list')).toHaveLength(2);
    const asked = new URL(requests('list')[1]?.path ?? '', 'http://x').searchParams;
    expect(asked.has('created_at[gte]')).toBe(!whole);
    await streams(1);
  });

  test('a stream that nobody takes over is closed', async () => {
    await worker.close();
    worker = startWorker(emulator.url, 100);
    emit(toolUse());
    await worker.listen(session.id, { maxEvents: 1 }).result;
    await streams(0);
  });

  test('a parked stream that broke meanwhile is not taken over', async () => {
    const call = emit(toolUse());
    const { cursor } = await worker.listen(session.id, { maxEvents: 1 }).result;
    await streams(1);
    const parked = worker.parked.adopt(session.id, cursor.at);
    if (parked === undefined) throw new Error('nothing is parked');
    worker.parked.park(session.id, parked);
    session.cutStreams();
    // The server knows of it before we do.
    await until('its end is seen', () => parked.end !== undefined);
    const second = worker.listen(session.id, { lease: 2, cursor, known: [call.id] });
    await second.listed();
    expect(second.batches.map(batch => batch.events)).toEqual([[]]);
    expect(requests('stream')).toHaveLength(2);
  });

  test('a run that takes no more signals ends the lease, and the next one brings what it refused', async () => {
    let taken = 0;
    const first = worker.listen(session.id, {
      answer: batch => (batch.events.length > 0 && ++taken > 1 ? 'refused' : 'accepted'),
    });
    await first.listed();
    const call = emit(toolUse());
    await until('the call arrives', () => first.events().length === 1);
    const refused = emit(toolUse());
    const ended = await first.result;
    expect(ended).toEqual({ kind: 'lease-ended', cursor: { at: call.processed_at } });
    const second = worker.listen(session.id, { epoch: 2, cursor: ended.cursor });
    await until('the refused call arrives', () => second.events().length === 1);
    expect(second.events().map(event => event.id)).toEqual([refused.id]);
    expect(requests('stream')).toHaveLength(1);
  });

  test('a workflow that is gone ends the lease and closes the stream', async () => {
    const listening = worker.listen(session.id, { answer: () => 'gone' });
    expect(await listening.result).toEqual({ kind: 'lease-ended', cursor: { at: null } });
    await streams(0);
  });

  test('a signal that fails is a failure that Temporal retries, and the stream is let go', async () => {
    const listening = worker.listen(session.id, {
      answer: () => Promise.reject(new Error('the Temporal server is away')),
    });
    await expect(listening.result).rejects.toThrow('the Temporal server is away');
    await streams(0);
  });
});

describe('the end of a session', () => {
  test('a termination on the stream is signalled, then the listener is done', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    emit(toolUse());
    const ended = emit({ type: 'session.status_terminated' });
    expect(await listening.result).toEqual({ kind: 'session-ended', cursor: { at: ended.processed_at } });
    expect(listening.types()).toEqual(['agent.tool_use', 'session.status_terminated']);
    await streams(0);
  });

  test('a deletion is too, though the stream is closed behind it', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    session.emit([{ type: 'session.deleted' }], { log: false });
    expect(await listening.result).toMatchObject({ kind: 'session-ended' });
    expect(listening.types()).toEqual(['session.deleted']);
  });

  test('row 147: W-7: a termination that stands only in the history counts', async () => {
    const call = emit(toolUse());
    emit({ type: 'session.status_terminated' });
    const listening = worker.listen(session.id);
    expect(await listening.result).toMatchObject({ kind: 'session-ended' });
    expect(listening.events().map(event => event.id)).toContain(call.id);
    expect(listening.batches.at(-1)?.listed).toBe(true);
  });
});

describe('cancellation', () => {
  test('at the shutdown of its worker it lets go at once and asks for the next attempt in 1 ms', async () => {
    // A signal that hangs must not hold it.
    let hangs = false;
    const listening = worker.listen(session.id, {
      answer: batch => {
        hangs = batch.events.length > 0;
        return hangs ? new Promise(() => undefined) : 'accepted';
      },
    });
    await listening.listed();
    emit(toolUse());
    await until('a signal is in flight', () => hangs);
    listening.cancel({ workerShutdown: true });
    await expect(listening.result).rejects.toMatchObject({ nonRetryable: false, nextRetryDelay: 1 });
    await streams(0);
  });

  test('a cancelled listener says that it was cancelled, also while it is connecting', async () => {
    session.setFaults({ latency_ms: { stream: 20_000 } });
    const listening = worker.listen(session.id);
    await until('it connects', () => requests('stream').length === 1);
    listening.cancel({ cancelRequested: true });
    await expect(listening.result).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('and while it is listing', async () => {
    session.setFaults({ latency_ms: { list: 20_000 } });
    const listening = worker.listen(session.id);
    await until('it lists', () => requests('list').length === 1);
    listening.cancel({ cancelRequested: true });
    await expect(listening.result).rejects.toBeInstanceOf(CancelledFailure);
    await streams(0);
  });
});

test('every heartbeat carries the cursor: a bare one would erase it', async () => {
  const listening = worker.listen(session.id);
  await listening.listed();
  const call = emit(toolUse());
  await until('a heartbeat carries the new cursor', () =>
    listening.heartbeats.some(details => details.cursor.at === call.processed_at),
  );
  expect(listening.heartbeats.every(details => 'cursor' in details)).toBe(true);
});

describe('echoes of our own results', () => {
  const result = (id: string) => ({
    type: 'user.tool_result',
    tool_use_id: id,
    is_error: false,
    content: [],
  });

  test('one that the server accepted is dropped, a foreign one is forwarded', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    const ours = emit(toolUse());
    const theirs = emit(toolUse());
    worker.ownResults.posting(session.id, [ours.id])(true);
    emit(result(ours.id));
    const foreign = emit(result(theirs.id));
    await until('the foreign result arrives', () => listening.events().at(-1)?.id === foreign.id);
    expect(listening.types()).toEqual(['agent.tool_use', 'agent.tool_use', 'user.tool_result']);
  });

  test.each([
    ['accepted: dropped', true, ['agent.tool_use', 'agent.tool_use']],
    ['not accepted: forwarded', false, ['agent.tool_use', 'agent.tool_use', 'user.tool_result']],
  ])('one that overtakes the answer to its post waits for it (%s)', async (_, accepted, types) => {
    const listening = worker.listen(session.id);
    await listening.listed();
    const call = emit(toolUse());
    const done = worker.ownResults.posting(session.id, [call.id]);
    emit(result(call.id));
    // What stands behind the held echo does not wait for it.
    emit(toolUse());
    await until('the second call arrives', () => listening.types().length === 2);
    done(accepted);
    const interrupt = emit({ type: 'user.interrupt' });
    await until('the interrupt arrives', () => listening.events().some(event => event.id === interrupt.id));
    expect(listening.types().filter(type => type !== 'user.interrupt')).toEqual(types);
  });

  test('our own result in a history still answers its call', async () => {
    const call = emit(toolUse());
    emit(result(call.id));
    worker.ownResults.posting(session.id, [call.id])(true);
    const open = emit(toolUse());
    const listening = worker.listen(session.id);
    await listening.listed();
    expect(listening.events().map(event => event.id)).toEqual([open.id]);
  });
});
