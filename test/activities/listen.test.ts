/** One attach: what a listener reads, in which order it signals it, and what it keeps to itself. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SignalAnswer } from '../../src/activities/listener.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { frame, json, openEvents, startScriptedServer } from '../anthropic/scripted-server.ts';
import { until } from '../support/until.ts';
import { startWorker, type Worker } from './listening.ts';

let emulator: Emulator;
let session: SessionHandle;
let worker: Worker;

beforeEach(async () => {
  emulator = await startEmulator({ stampResolution: 'unique' });
  session = emulator.createSession({ script: 'manual' });
  worker = startWorker(emulator.url);
});

afterEach(async () => {
  await worker.close();
  await emulator.close();
});

function toolUse(name = 'bash'): NewEvent {
  return { type: 'agent.tool_use', name, input: { command: 'ls' } };
}

function result(id: string): NewEvent {
  return { type: 'user.tool_result', tool_use_id: id, is_error: false, content: [] };
}

function emit(event: NewEvent): string {
  return session.emit([event])[0]?.id ?? '';
}

function requests(route: string) {
  return emulator.requests().filter(request => request.route === route);
}

describe('attaching', () => {
  test('the stream is open before the history is listed (I3), and the list names its types', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    expect(emulator.requests().map(request => request.route)).toEqual(['stream', 'list']);
    const asked = new URL(requests('list')[0]?.path ?? '', 'http://x').searchParams;
    expect(asked.getAll('types[]')).toContain('agent.tool_use');
    expect(asked.has('created_at[gte]')).toBe(false);
  });

  test('an empty history is one empty batch that says listed', async () => {
    const listening = worker.listen(session.id, { epoch: 3, lease: 4, attempt: 5 });
    await listening.listed();
    const [batch, ...more] = listening.batches;
    expect(batch).toMatchObject({
      epoch: 3,
      lease: 4,
      attempt: 5,
      events: [],
      listed: true,
      cursor: { at: null },
    });
    expect(batch).toMatchObject({ run: expect.any(String), scheduledAt: expect.any(Number) });
    expect(more).toEqual([]);
  });

  test('a history is cut to what is open, and its newest stamp is the cursor all the same', async () => {
    const done = emit(toolUse());
    emit(result(done));
    const open = emit(toolUse());
    emit({ type: 'session.status_idle', stop_reason: { type: 'requires_action', event_ids: [open] } });
    const late = emit(toolUse());
    emit(result(late));
    // The newest of all is nothing that the fold still needs.
    emit({ type: 'user.tool_confirmation', tool_use_id: done, result: 'allow' });
    const last = session.events().at(-1);
    const listening = worker.listen(session.id);
    await listening.listed();
    const ids = listening.events().map(event => event.id);
    expect(ids).toContain(open);
    expect(ids).not.toContain(done);
    expect(listening.batches.at(-1)?.cursor.at).toBe(last?.processed_at);
  });

  test('a long history goes out in several batches, and only the last one says listed', async () => {
    for (let n = 0; n < 450; n++) emit(toolUse());
    // Slow, so that the first heartbeat falls into it.
    session.setFaults({ list: { max_page_size: 100 }, latency_ms: { list: 300 } });
    const listening = worker.listen(session.id, { maxEvents: 10_000 });
    await listening.listed();
    expect(listening.batches.map(batch => [batch.events.length, batch.listed])).toEqual([
      [200, false],
      [200, false],
      [50, true],
    ]);
    expect(listening.events().map(event => event.id)).toEqual(session.events().map(event => event.id));
    // Half of a history is not a place to read on from: whoever comes next reads all of it.
    expect(listening.batches.map(batch => batch.cursor.at)).toEqual([
      null,
      null,
      session.events().at(-1)?.processed_at,
    ]);
    expect(listening.heartbeats[0]).toEqual({ cursor: { at: null } });
  });

  test('no batch is larger than its limit in bytes', async () => {
    for (let n = 0; n < 12; n++) emit({ ...toolUse(), input: { text: 'x'.repeat(30_000) } });
    const listening = worker.listen(session.id);
    await listening.listed();
    const sizes = listening.batches.map(batch => JSON.stringify(batch.events).length);
    expect(Math.max(...sizes)).toBeLessThan(201_000);
    expect(listening.events()).toHaveLength(12);
  });

  test('row 66: a page that fails signals nothing of the pages before it', async () => {
    for (let n = 0; n < 30; n++) emit(toolUse());
    session.setFaults({ list: { max_page_size: 10, fail_page: 2, times: 1 } });
    const listening = worker.listen(session.id);
    await expect(listening.result).rejects.toMatchObject({ type: 'StreamLost', nonRetryable: false });
    expect(listening.batches).toEqual([]);
    const again = worker.listen(session.id, { attempt: 2 });
    await again.listed();
    expect(again.events()).toHaveLength(30);
  });

  test('what the stream brings while the history is listed comes after it, once', async () => {
    const before = emit(toolUse());
    session.setFaults({ latency_ms: { list: 300 } });
    const listening = worker.listen(session.id);
    await until('the list is asked for', () => requests('list').length === 1);
    const during = [emit(toolUse()), emit({ type: 'user.interrupt' }), emit(toolUse())];
    expect(listening.batches).toEqual([]);
    await until('all has arrived', () => listening.events().length >= 4);
    // The list was answered after them and holds them too.
    await until('the list is answered', () => requests('list')[0]?.status === 200);
    expect(listening.events().map(event => event.id)).toEqual([before, ...during]);
    expect(listening.batches[0]?.listed).toBe(true);
  });

  test('an input above 64 kB travels as a reference', async () => {
    emit({ ...toolUse(), input: { file_path: 'a', content: 'x'.repeat(70_000) } });
    const listening = worker.listen(session.id);
    await listening.listed();
    expect(listening.events()).toMatchObject([{ input_ref: { hint: { file_path: 'a' } } }]);
    expect(JSON.stringify(listening.batches).length).toBeLessThan(2_000);
  });
});

describe('forwarding', () => {
  test('only events that the fold knows are signalled', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    emit({ type: 'span.model_request_start' });
    emit({ type: 'agent.message', content: [] });
    emit({ type: 'agent.mcp_tool_use', name: 'x', input: {} });
    emit({ type: 'brand.new' });
    const call = emit(toolUse());
    await until('the call arrives', () => listening.events().length > 0);
    expect(listening.events().map(event => event.id)).toEqual([call]);
  });

  test('a frame without its event line still counts', async () => {
    const listening = worker.listen(session.id);
    await listening.listed();
    session.emit([toolUse()], { event_line: null });
    await until('the call arrives', () => listening.types().includes('agent.tool_use'));
  });

  test('events that come together travel together', async () => {
    const listening = worker.listen(session.id, { options: { coalesceMs: 200 } });
    await listening.listed();
    for (let n = 0; n < 5; n++) emit(toolUse());
    await until('all arrive', () => listening.events().length === 5);
    expect(listening.batches.map(batch => batch.events.length)).toEqual([0, 5]);
  });

  test('an interrupt goes out at once and takes along what was read before it', async () => {
    const listening = worker.listen(session.id, { options: { coalesceMs: 600_000 } });
    await listening.listed();
    const call = emit(toolUse());
    const interrupt = emit({ type: 'user.interrupt' });
    await until('the interrupt arrives', () => listening.types().includes('user.interrupt'));
    expect(listening.batches.at(-1)?.events.map(event => event.id)).toEqual([call, interrupt]);
  });

  test('one signal is in flight at a time, and what comes meanwhile is the next batch', async () => {
    let inFlight = 0;
    let most = 0;
    const answer = async (): Promise<SignalAnswer> => {
      most = Math.max(most, ++inFlight);
      await new Promise(resolve => setTimeout(resolve, 60));
      inFlight--;
      return 'accepted';
    };
    const listening = worker.listen(session.id, { answer });
    await listening.listed();
    for (let n = 0; n < 20; n++) {
      emit(toolUse());
      await new Promise(resolve => setTimeout(resolve, 7));
    }
    await until('all arrive', () => listening.events().length === 20);
    expect(most).toBe(1);
    expect(listening.batches.length).toBeLessThan(12);
  });

  test('a status that tells nothing new does not wake the workflow, but travels with what does', async () => {
    const listening = worker.listen(session.id, { options: { lazyFlushMs: 600_000 } });
    await listening.listed();
    emit({ type: 'session.status_running' });
    const call = emit(toolUse());
    await until('the call arrives', () => listening.events().length === 2);
    emit({ type: 'session.status_idle', stop_reason: { type: 'requires_action', event_ids: [call] } });
    emit({ type: 'session.status_rescheduled' });
    const signals = listening.batches.length;
    const other = emit(toolUse());
    await until('the second call arrives', () => listening.events().at(-1)?.id === other);
    expect(listening.batches).toHaveLength(signals + 1);
    expect(listening.types()).toEqual([
      'session.status_running',
      'agent.tool_use',
      'session.status_idle',
      'session.status_rescheduled',
      'agent.tool_use',
    ]);
  });

  test('a status that nothing follows is flushed after a while', async () => {
    const listening = worker.listen(session.id, { options: { lazyFlushMs: 50 } });
    await listening.listed();
    emit({ type: 'session.status_running' });
    await until('the status arrives', () => listening.types().includes('session.status_running'));
  });

  test.each([
    ['a call we never saw', () => 'sevt_unknown'],
    [
      'a call we saw answered',
      () => {
        const call = emit(toolUse());
        emit(result(call));
        return call;
      },
    ],
  ])('a requires_action for %s goes out at once (§2.7)', async (_, id) => {
    const listening = worker.listen(session.id, { options: { lazyFlushMs: 600_000 } });
    await listening.listed();
    const event_ids = [emit(toolUse()), id()];
    // Else it would travel with the calls.
    const before = session.events().length;
    await until('the calls arrive', () => listening.events().length === before);
    emit({ type: 'session.status_idle', stop_reason: { type: 'requires_action', event_ids } });
    await until('the idle arrives', () => listening.types().includes('session.status_idle'));
  });

  test('an idle that ends the turn goes out at once', async () => {
    const listening = worker.listen(session.id, { options: { lazyFlushMs: 600_000 } });
    await listening.listed();
    emit({ type: 'session.status_idle', stop_reason: { type: 'end_turn' } });
    await until('the idle arrives', () => listening.types().includes('session.status_idle'));
  });

  test('duplicated frames are signalled once, a queued user event in both its forms', async () => {
    session.setFaults({ stream: { duplicate_frames: true } });
    const listening = worker.listen(session.id);
    await listening.listed();
    const queued = emit({ type: 'user.interrupt', processed_at: null });
    const stamped = { type: 'user.interrupt', id: queued, processed_at: '2026-01-01T00:00:00Z' };
    session.emit([stamped, toolUse()]);
    await until('the call arrives', () => listening.types().includes('agent.tool_use'));
    expect(listening.events().map(event => [event.type, event.processed_at === null])).toEqual([
      ['user.interrupt', true],
      ['user.interrupt', false],
      ['agent.tool_use', false],
    ]);
  });
});

describe('backpressure', () => {
  test('what waits is bounded: beyond it the socket is not read, and nothing is lost', async () => {
    const total = 1_500;
    const input = { text: 'x'.repeat(50_000) };
    let written = 0;
    const server = await startScriptedServer((response, request) => {
      if (!request.url?.includes('/stream')) return json(response, 200, { data: [], next_page: null });
      openEvents(response);
      const write = () => {
        while (written < total && response.writableLength < 200_000)
          response.write(frame({ ...toolUse(), id: `sevt_${written++}`, processed_at: null, input }));
      };
      response.on('drain', write);
      write();
    });
    const gate = Promise.withResolvers<void>();
    const other = startWorker(server.url);
    try {
      const listening = other.listen('sesn_1', {
        options: { waitingEvents: 50 },
        maxEvents: 100_000,
        answer: async (batch): Promise<SignalAnswer> => {
          if (batch.events.length > 0) await gate.promise;
          return 'accepted';
        },
      });
      let before = -1;
      let stood = 0;
      await until('the server is held back', () => {
        stood = written === before && written > 0 ? stood + 1 : 0;
        before = written;
        return stood > 40;
      });
      // 50 events wait; the rest of what was written fills the buffers of the two sockets.
      expect(written).toBeLessThan(total / 2);
      gate.resolve();
      await until('all arrive', () => listening.events().length === total);
      expect(new Set(listening.events().map(event => event.id)).size).toBe(total);
    } finally {
      gate.resolve();
      await other.close();
      await server.close();
    }
  });
});
