/** List, send and stream of a session's events (api.md §1.3–1.6). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hono } from 'hono';
import { ApiError } from './api-error.ts';
import { readEventQuery, writeCursor } from './event-query.ts';
import {
  type ApiParts,
  alreadySent,
  enter,
  type HttpContext,
  type HttpEnv,
  headersOf,
  injected,
  JSON_TYPE,
  readJson,
} from './http.ts';
import type { Sender } from './ledger.ts';
import { readPostedEvents } from './posted-events.ts';
import type { Session } from './session.ts';
import { StreamConnection } from './stream.ts';

const DELTAS = new Set(['agent.message', 'agent.thinking']);

export function eventRoutes(app: Hono<HttpEnv>, parts: ApiParts): void {
  const { sessions } = parts;

  app.get('/v1/sessions/:id/events', async c => {
    await enter(parts, c, 'list');
    const session = sessions.get(c.req.param('id'));
    const query = readEventQuery(new URL(c.req.url).searchParams);
    const status = session.faults.takeListFailure(query.pageNumber);
    if (status !== undefined)
      throw new ApiError(status, `injected by the emulator: page ${query.pageNumber}`);
    const scanLimit = session.faults.list('scan_limit');
    const { data, next } = session.log.page({
      ...query.slice,
      limit: Math.min(query.slice.limit, session.faults.list('max_page_size') ?? Infinity),
      ...(scanLimit !== undefined && { scanLimit }),
    });
    const { order } = query.slice;
    const cursor = { order, position: next ?? 0, pageNumber: query.pageNumber + 1 };
    const body = JSON.stringify({ data, next_page: next === undefined ? null : writeCursor(cursor) });
    c.get('entry').bytes = Buffer.byteLength(body);
    return c.body(body, 200, JSON_TYPE);
  });

  app.post('/v1/sessions/:id/events', async c => {
    await enter(parts, c, 'send');
    const session = sessions.get(c.req.param('id'));
    return send(parts, c, session);
  });

  app.get('/v1/sessions/:id/events/stream', async c => {
    await enter(parts, c, 'stream');
    const session = sessions.get(c.req.param('id'));
    const params = new URL(c.req.url).searchParams;
    const deltas = new Set([...params.getAll('event_deltas[]'), ...params.getAll('event_deltas')]);
    for (const type of deltas) {
      if (!DELTAS.has(type))
        throw new ApiError(400, `event_deltas: ${JSON.stringify(type)} cannot be previewed`);
    }
    const { outgoing } = c.env;
    const stream = new StreamConnection(outgoing, session.faults, deltas);
    // Known to the session before the head is flushed: the client lists as soon as it reads the head (I3).
    session.streams.attach(stream);
    outgoing.on('close', () => session.streams.detach(stream));
    stream.open(parts.pingMs);
    return alreadySent();
  });
}

async function send(parts: ApiParts, c: HttpContext, session: Session): Promise<Response> {
  const sender: Sender = { at: Date.now(), headers: headersOf(c) };
  let body: unknown;
  try {
    body = await readJson(parts, c);
    const failure = session.faults.takeFailure('send');
    if (failure !== undefined) throw injected(failure);
    if (session.faults.take('lose_requests')) return lost(c);
    const echoes = session.inbox.accept(readPostedEvents(body), sender);
    const ids = echoes.map(event => event.id);
    const delay = session.faults.get('answer_delay_ms') ?? 0;
    if (delay > 0) {
      session.ledger.responded(ids, 'late');
      await sleep(delay);
      // Its connection may be gone meanwhile: with the client, or because the emulator went down.
      session.ledger.responded(ids, c.env.outgoing.destroyed ? 'lost' : 'sent');
    }
    if (session.faults.take('lose_responses')) {
      session.ledger.responded(ids, 'lost');
      return lost(c);
    }
    return c.json({ data: echoes });
  } catch (error) {
    if (error instanceof ApiError) session.ledger.refused(body, error.status, error.message, sender);
    throw error;
  }
}

/** Destroys the connection in place of an answer. */
function lost(c: HttpContext): Response {
  c.env.outgoing.destroy();
  return alreadySent();
}
