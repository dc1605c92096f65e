/** The routes of one session and of its calls. */
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Show } from './app.ts';
import { empty } from './fragments.ts';
import type { Live } from './live.ts';
import { callPage } from './pages/call.ts';
import { type CallFilter, SHOWN } from './pages/call-list.ts';
import type { Page } from './pages/layout.ts';
import { sessionPage } from './pages/session.ts';
import type { ConsoleSource } from './source.ts';

const TAIL_MS = 300;
/** Of a long output its end is shown at first. */
const SHOWN_BYTES = 32 * 1024;

export function sessionRoutes(source: ConsoleSource, live: Live, show: Show): Hono {
  const app = new Hono();

  app.get('/sessions/:session', c => {
    const { session } = c.req.param();
    const filter = callFilter(name => c.req.query(name));
    return show(c, async viewer => {
      const reading = await source.session(session, c.req.query('run'));
      return reading === undefined ? unknown(session) : sessionPage(reading, filter, viewer);
    });
  });

  app.get('/sessions/:session/calls/:call', c => {
    const { session, call: callId } = c.req.param();
    return show(c, async viewer => {
      const reading = await source.session(session, c.req.query('run'));
      if (reading === undefined) return unknown(session);
      const call = reading.calls?.find(({ id }) => id === callId);
      const held =
        call?.state === 'held' && reading.endedAt === null
          ? (await source.heldOf(session)).find(each => each.call === callId)
          : undefined;
      const { host } = reading;
      const asked = { sessionId: session, callId, host, from: -SHOWN_BYTES };
      const output = host === null ? undefined : await source.output(asked);
      return callPage({ reading, call, callId, held, output }, viewer);
    });
  });

  app.get('/sessions/:session/calls/:call/output', c => {
    const { session, call: callId } = c.req.param();
    const given = Number(c.req.query('from'));
    let from = Number.isSafeInteger(given) && given >= 0 ? given : 0;
    const host = c.req.query('host') ?? '';
    return live.tail(c, TAIL_MS, async () => {
      const part = await source.output({ sessionId: session, callId, host, from });
      if (part.kind !== 'output') return undefined;
      const { text, next, complete, bytes } = part;
      if (next === from && !complete) return undefined;
      from = next;
      return { data: JSON.stringify({ text, next, complete }), last: complete, more: next < bytes };
    });
  });

  return app;
}

function unknown(session: string): Page {
  const main = empty(
    `Temporal knows no run of ${session}.`,
    html`It was never started, or its history is older than the namespace keeps any. Start it with <code>holdfast start ${session}</code>.`,
  );
  return { title: 'Not found', at: 'sessions', main, status: 404 };
}

function callFilter(query: (name: string) => string | undefined): CallFilter {
  const page = Number(query('page') ?? 1);
  return {
    shown: SHOWN.find(each => each === query('shown')) ?? 'all',
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}
