import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import type { RawEvent } from '../../src/anthropic/event-stream.ts';
import { readInput } from '../../src/anthropic/read-input.ts';
import { createSessionFeed, type SessionFeed } from '../../src/anthropic/session-feed.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { until } from '../support/until.ts';
import {
  type Answer,
  frame,
  json,
  openEvents,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts';

const closings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

async function serve(answer: Answer): Promise<ScriptedServer> {
  const server = await startScriptedServer(answer);
  closings.push(server.close);
  return server;
}

function feedOf(baseURL: string, log: string[] = []): SessionFeed {
  return createSessionFeed(createClient({ baseURL, apiKey: 'key' }), {
    requestMs: 5_000,
    log: line => log.push(line),
  });
}

/** Reads a stream that the server writes so, to its end; `error` is what it ended with. */
async function readStream(
  write: (response: ServerResponse) => void,
  options: { silenceMs?: number; log?: string[] } = {},
): Promise<{ events: RawEvent[]; error: unknown }> {
  const server = await serve(response => {
    openEvents(response);
    write(response);
  });
  const events: RawEvent[] = [];
  const closing = new AbortController();
  const { silenceMs = 5_000 } = options;
  try {
    const stream = await feedOf(server.url, options.log).openStream('sesn_1', {
      signal: closing.signal,
      silenceMs,
    });
    for await (const event of stream) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  } finally {
    closing.abort();
  }
}

test('a stream that the server closes ends without an error, after every event', async () => {
  const { events, error } = await readStream(response => {
    response.write(frame({ type: 'agent.message' }));
    response.end(frame({ type: 'session.status_idle' }));
  });
  expect(events).toEqual([{ type: 'agent.message' }, { type: 'session.status_idle' }]);
  expect(error).toBeUndefined();
});

test('a frame without an event line counts by the type in its data', async () => {
  const { events } = await readStream(response => {
    response.end('data: {"type":"agent.tool_use","id":"sevt_1"}\n\n');
  });
  expect(events).toEqual([{ type: 'agent.tool_use', id: 'sevt_1' }]);
});

test('frames that are not JSON are skipped with a line in the log, and the stream goes on', async () => {
  const log: string[] = [];
  const { events, error } = await readStream(
    response => {
      response.write('event: agent.tool_use\ndata: {"type":"agent.tool\n\n');
      response.write('event: agent.tool_use\ndata: 17\n\n');
      response.end(frame({ type: 'agent.message' }));
    },
    { log },
  );
  expect(events).toEqual([{ type: 'agent.message' }]);
  expect(error).toBeUndefined();
  expect(log).toEqual([expect.stringContaining('not JSON')]);
});

test('what was cut in the middle of a frame is not an event', async () => {
  const { events, error } = await readStream(response => {
    response.write(frame({ type: 'agent.message' }));
    const half = frame({ type: 'agent.tool_use' });
    response.write(half.slice(0, -3), () => setTimeout(() => response.destroy(), 20));
  });
  expect(events).toEqual([{ type: 'agent.message' }]);
  expect(error).toBeInstanceOf(Error);
});

test('a whole frame whose blank line is missing at the end of the stream is not an event either', async () => {
  const { events, error } = await readStream(response => {
    response.end('event: agent.tool_use\ndata: {"type":"agent.tool_use"}\n');
  });
  expect({ events, error }).toEqual({ events: [], error: undefined });
});

test('an error event ends the stream with the words of the server', async () => {
  const { error } = await readStream(response => {
    response.write(
      'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no more"}}\n\n',
    );
  });
  expect(String(error)).toContain('no more');
});

test('a half-open stream is cut after the silence limit', async () => {
  const { events, error } = await readStream(response => response.write(frame({ type: 'agent.message' })), {
    silenceMs: 150,
  });
  expect(events).toEqual([{ type: 'agent.message' }]);
  expect(String(error)).toContain('silent for 150 ms');
});

test.each(['event: ping\ndata: {"type":"ping"}\n\n', ': keep-alive\n\n', 'data: {"type":"ping"}\n\n'])(
  '%j is a sign of life and no event',
  async ping => {
    const { events, error } = await readStream(
      response => {
        let left = 8;
        const timer = setInterval(() => {
          response.write(ping);
          if (left-- > 0) return;
          clearInterval(timer);
          response.end(frame({ type: 'agent.message' }));
        }, 100);
      },
      // Shorter than all pings together, so that without them the stream would be cut.
      { silenceMs: 600 },
    );
    expect({ events, error }).toEqual({ events: [{ type: 'agent.message' }], error: undefined });
  },
);

test('an answer that is no event stream is an error, not an empty stream', async () => {
  const server = await serve(response => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>');
  });
  const stream = await feedOf(server.url).openStream('sesn_1', { signal: new AbortController().signal });
  await expect(stream.next()).rejects.toThrow('text/html');
});

test('nothing is read ahead of a reader that stands still: the server is held back', async () => {
  const block = frame({ type: 'agent.message', text: 'x'.repeat(64_000) });
  let response: ServerResponse | undefined;
  const server = await serve(opened => {
    openEvents(opened);
    response = opened;
    const fill = () => {
      while (opened.writableLength < 1_000_000) opened.write(block);
    };
    opened.on('drain', fill);
    fill();
  });
  const closing = new AbortController();
  const stream = await feedOf(server.url).openStream('sesn_1', { signal: closing.signal, silenceMs: 100 });
  await stream.next();
  let written = -1;
  await until('the server is held back', () => {
    const now = response?.socket?.bytesWritten ?? 0;
    const stands = now === written && now > 0;
    written = now;
    return stands;
  });
  // Standing still is the reader's own doing, and no silence of the server.
  expect((await stream.next()).done).toBe(false);
  closing.abort();
  await expect(drain(stream)).rejects.toThrow();
});

async function drain(stream: AsyncGenerator<unknown>): Promise<void> {
  for (;;) if ((await stream.next()).done) return;
}

test('aborting the signal ends the stream and closes its connection', async () => {
  let closed = false;
  const server = await serve(response => {
    openEvents(response);
    response.on('close', () => {
      closed = true;
    });
  });
  const closing = new AbortController();
  const stream = await feedOf(server.url).openStream('sesn_1', { signal: closing.signal });
  const next = stream.next();
  closing.abort(new Error('enough'));
  await expect(next).rejects.toThrow();
  await until('the server sees the connection close', () => closed);
});

test('a list follows every page, empty ones too, and asks for what it was told to', async () => {
  const server = await serve((response, request) => {
    const page = new URL(request.url ?? '', 'http://x').searchParams.get('page');
    if (page === null) json(response, 200, { data: [{ id: 'a' }], next_page: 'p2' });
    else if (page === 'p2') json(response, 200, { data: [], next_page: 'p3' });
    else json(response, 200, { data: [{ id: 'b' }], next_page: null });
  });
  const pages: unknown[] = [];
  const query = { types: ['agent.tool_use' as const], since: '2026-01-01T00:00:00Z', order: 'desc' as const };
  for await (const page of feedOf(server.url).listPages('sesn_1', { ...query, limit: 7 })) pages.push(page);
  expect(pages).toEqual([[{ id: 'a' }], [], [{ id: 'b' }]]);
  const asked = new URL(server.requests[2]?.path ?? '', 'http://x').searchParams;
  expect(Object.fromEntries(asked)).toEqual({
    limit: '7',
    'types[]': 'agent.tool_use',
    'created_at[gte]': '2026-01-01T00:00:00Z',
    order: 'desc',
    page: 'p3',
  });
});

test.each([
  ['without data', {}],
  ['that is null', null],
  ['whose cursor leads back to itself', { data: [], next_page: 'p' }],
])('a page %s fails the list instead of ending it', async (_, body) => {
  const server = await serve(response => json(response, 200, body));
  const pages = feedOf(server.url).listPages('sesn_1');
  await expect(
    (async () => {
      for await (const page of pages) expect(page).toEqual([]);
    })(),
  ).rejects.toThrow('the list answered');
});

test('pages that lead round in a circle fail the list instead of being read for ever', async () => {
  const next: Record<string, string> = { '': 'p1', p1: 'p2', p2: 'p3', p3: 'p1' };
  const server = await serve((response, request) => {
    const page = new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? '';
    json(response, 200, { data: [], next_page: next[page] });
  });
  const read = async () => {
    for await (const page of feedOf(server.url).listPages('sesn_1')) expect(page).toEqual([]);
  };
  await expect(read()).rejects.toThrow('the same next_page twice');
  expect(server.requests).toHaveLength(4);
});

test('a call without an id is told once a session, wherever it stands, and passed on for others to drop', async () => {
  const nameless = { type: 'agent.tool_use', name: 'bash' };
  const server = await serve((response, request) => {
    if (!request.url?.includes('/stream'))
      return json(response, 200, { data: [nameless, { ...nameless, id: '' }], next_page: null });
    openEvents(response);
    response.end(frame(nameless) + frame({ type: 'agent.message' }));
  });
  const log: string[] = [];
  const feed = feedOf(server.url, log);
  const stream = await feed.openStream('sesn_1', { signal: new AbortController().signal });
  for await (const event of stream) expect(event).toBeDefined();
  for (const id of ['sesn_1', 'sesn_2'])
    for await (const page of feed.listPages(id)) expect(page).toHaveLength(2);
  expect(log).toEqual([
    'session sesn_1: an agent.tool_use without an id was left out, since nobody could answer it',
    'session sesn_2: an agent.tool_use without an id was left out, since nobody could answer it',
  ]);
});

test('a large input is read again from the API by the id of its call, with and without its stamp', async () => {
  const emulator = await startEmulator();
  closings.push(emulator.close);
  const session = emulator.createSession({ script: 'manual' });
  const input = { content: 'x'.repeat(100_000) };
  const [call] = session.emit([{ type: 'agent.tool_use', name: 'write', input }]);
  session.emit([{ type: 'agent.custom_tool_use', name: 'other', input: { n: 1 } }]);
  const feed = feedOf(emulator.url);
  const id = call?.id ?? '';
  const found = { kind: 'found', input };
  expect(await readInput(feed, session.id, id, { processedAt: call?.processed_at ?? null })).toEqual(found);
  expect(await readInput(feed, session.id, id)).toEqual(found);
  // A stamp that lies behind the event does not hide it.
  expect(await readInput(feed, session.id, id, { processedAt: '2999-01-01T00:00:00Z' })).toEqual(found);
  expect(await readInput(feed, session.id, 'sevt_none')).toEqual({ kind: 'missing' });
});
