/** The routes of the console. Every page is rendered here, and the same again as events while it is looked at. */
import { readFile } from 'node:fs/promises';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { lineOf } from '../client/asking.ts';
import { PayloadKeyError } from '../payload-codec.ts';
import { type Access, guardHeaders } from './access.ts';
import { answeredCalls } from './answered.ts';
import { problem, type Viewer } from './fragments.ts';
import type { Live } from './live.ts';
import { wantsEvents } from './live.ts';
import { approvalsPage } from './pages/approvals.ts';
import { layout, type Page, SCRIPTS, STYLES } from './pages/layout.ts';
import { messagePage } from './pages/message.ts';
import { sessionsPage } from './pages/sessions.ts';
import { sessionRoutes } from './session-routes.ts';
import type { ConsoleSource, SessionFilter, View } from './source.ts';
import { VIEWS } from './source.ts';
import { takeVerdict } from './verdict.ts';

export interface ConsoleParts {
  readonly source: ConsoleSource;
  readonly access: Access;
  readonly live: Live;
  /** Names the server, for the error when it does not answer: `127.0.0.1:7233, namespace default`. */
  readonly temporal: string;
  /** Address of Temporal's UI and the namespace in it; undefined where it is not known. */
  readonly temporalUi?: { readonly address: string; readonly namespace: string } | undefined;
  /** How whoever answers is called while they say nothing else. */
  readonly defaultName: string;
}

export type Render = (viewer: Viewer) => Promise<Page>;
/** Answers with a page, or follows it. */
export type Show = (c: Context, render: Render, pauseMs?: number) => Promise<Response>;

const LOOK_MS = 1_000;
const NAME_COOKIE = 'holdfast-name';
const YEAR_S = 31_536_000;
const BODY_BYTES = 64 * 1024;

const ASSETS = new Map([
  ...STYLES.map(name => [name, 'text/css; charset=utf-8'] as const),
  ...SCRIPTS.map(name => [name, 'text/javascript; charset=utf-8'] as const),
  ['icon.svg', 'image/svg+xml'] as const,
]);

export function createConsoleApp(parts: ConsoleParts): Hono {
  const { access, source, live, temporalUi } = parts;
  const app = new Hono();
  const tooLarge = bodyLimit({
    maxSize: BODY_BYTES,
    onError: c => c.json({ text: 'Not taken: the message is too long.' }, 413),
  });
  const answered = answeredCalls(async session => {
    const reading = await source.session(session);
    return reading === undefined ? [] : reading.calls;
  });

  app.use(guardHeaders(), async (c, next) => {
    const wrongHost = access.wrongHost(c);
    if (wrongHost !== undefined) return c.text(`${wrongHost}\n`, 421);
    const taken = access.takeToken(c);
    if (taken !== undefined) return taken;
    if (access.readsNeedToken && !access.holdsToken(c))
      return c.text('This console is read with its token: open the URL that it printed at its start.\n', 403);
    await next();
    c.header('cache-control', 'no-store');
  });

  function uiAddress(session: string, runId?: string): string {
    const path = [session, ...(runId === undefined ? [] : [runId, 'history'])]
      .map(encodeURIComponent)
      .join('/');
    return `${temporalUi?.address}/namespaces/${encodeURIComponent(temporalUi?.namespace ?? '')}/workflows/${path}`;
  }

  async function viewerOf(c: Context): Promise<Viewer> {
    return {
      now: Date.now(),
      formToken: access.holdsToken(c) ? access.formToken : undefined,
      name: getCookie(c, NAME_COOKIE) ?? parts.defaultName,
      temporalUrl: temporalUi === undefined ? undefined : uiAddress,
      thisHost: await source.thisHost(),
    };
  }

  async function rendered(render: Render, viewer: Viewer): Promise<Page> {
    try {
      return await render(viewer);
    } catch (error) {
      if (error instanceof PayloadKeyError)
        return { title: 'Encrypted', at: 'none', main: problem(`${lineOf(error)}.`), status: 503 };
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      const main = problem(
        `Temporal at ${parts.temporal} does not answer: ${lineOf(error)}.`,
        'This page goes on by itself when it does. Running tools do not need it; their results wait for it.',
      );
      return { title: 'Temporal is away', at: 'none', main, status: 503 };
    }
  }

  const waiting = () => source.waiting().catch(() => undefined);
  const show: Show = async (c, render, pauseMs = LOOK_MS) => {
    if (wantsEvents(c))
      return live.follow(c, pauseMs, async () => {
        const page = await rendered(render, await viewerOf(c));
        return JSON.stringify({ title: page.title, main: String(await page.main), held: await waiting() });
      });
    const viewer = await viewerOf(c);
    const page = await rendered(render, viewer);
    const temporalHome =
      temporalUi && `${temporalUi.address}/namespaces/${encodeURIComponent(temporalUi.namespace)}`;
    c.header('vary', 'accept');
    return c.html(layout(page, { ...viewer, heldCalls: await waiting(), temporalHome }), page.status ?? 200);
  };

  app.get('/', c => c.redirect('/sessions', 303));
  app.get('/assets/:name', async c => {
    const type = ASSETS.get(c.req.param('name'));
    if (type === undefined) return c.notFound();
    // The same place from src/console and from dist/console.
    const file = new URL(`../../src/console/assets/${c.req.param('name')}`, import.meta.url);
    return c.body(await readFile(file, 'utf8'), 200, { 'content-type': type });
  });
  app.get('/sessions', c => {
    const filter = filterOf(name => c.req.query(name));
    return show(c, async viewer => sessionsPage(await source.sessions(filter), filter, viewer), 2 * LOOK_MS);
  });
  app.get('/approvals', c =>
    show(c, async viewer => {
      const held = await source.held();
      await answered.look(held);
      return approvalsPage({ ...held, answered: answered.all }, viewer);
    }),
  );
  app.route('/', sessionRoutes(source, live, show));
  app.post('/sessions/:session/calls/:call/answer', tooLarge, async c => {
    const form = await c.req.parseBody();
    const wantsJson = (c.req.header('accept') ?? '').includes('application/json');
    const refusal = access.refusal(c, form.form);
    const { by } = form;
    if (refusal === undefined && typeof by === 'string' && by.trim() !== '')
      setCookie(c, NAME_COOKIE, by.trim().slice(0, 200), {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
        maxAge: YEAR_S,
      });
    const said =
      refusal === undefined
        ? await takeVerdict(source, c.req.param('session'), c.req.param('call'), form)
        : { status: 403 as const, text: refusal };
    if (wantsJson) return c.json({ text: said.text }, said.status);
    c.status(said.status);
    const viewer = await viewerOf(c);
    return c.html(
      layout(messagePage(said.text), { ...viewer, heldCalls: undefined, temporalHome: undefined }),
      said.status,
    );
  });
  app.onError((error, c) => c.text(`The console failed at this page: ${lineOf(error)}\n`, 500));
  app.notFound(async c => {
    const viewer = await viewerOf(c);
    return c.html(
      layout(messagePage('There is no such page.'), {
        ...viewer,
        heldCalls: undefined,
        temporalHome: undefined,
      }),
      404,
    );
  });
  return app;
}

function filterOf(query: (name: string) => string | undefined): SessionFilter {
  const view = VIEWS.find(each => each === query('view')) ?? ('open' satisfies View);
  const page = Number(query('page') ?? 1);
  return {
    view,
    id: (query('id') ?? '').trim().slice(0, 200),
    host: (query('host') ?? '').trim().slice(0, 200),
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}
