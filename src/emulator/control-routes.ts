/**
 * The emulator's own endpoints under `/_emulator`, JSON without credentials; `…` is empty or `/sessions/{id}`:
 *
 *     GET    /sessions                     POST /sessions            body of POST /v1/sessions, all optional, or `message`, `script`
 *     GET    /sessions/{id}                POST /sessions/{id}/start begins a turn without a message
 *     GET    /sessions/{id}/ledger         POST /sessions/{id}/emit  {events, log?, stream?, event_line?, delay_ms?}
 *     GET    /sessions/{id}/wait?state=&timeout_ms=
 *     GET, POST, DELETE  …/faults          POST …/cut                destroys open streams
 *     GET, DELETE        /requests?session_id=&route=
 *     POST   /keys {api_keys?, environment_keys?}    POST /down {ms}
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { faultsSchema } from './faults.ts';
import { WAIT_STATES, WaitTimeout } from './handle.ts';
import { type ApiParts, type HttpContext, type HttpEnv, read, readObject } from './http.ts';
import { sessionBody } from './seed.ts';
import type { Emulator } from './server.ts';
import type { NewEvent } from './session.ts';
import { resourceOf } from './session-resource.ts';
import { SessionEnded } from './waiters.ts';

const emitSchema = z.strictObject({
  events: z.array(z.looseObject({ type: z.string() })).min(1),
  log: z.boolean().optional(),
  stream: z.boolean().optional(),
  event_line: z.string().nullable().optional(),
  delay_ms: z.number().min(0).optional(),
});
const waitSchema = z.strictObject({
  state: z.enum(WAIT_STATES),
  timeout_ms: z.coerce.number().min(0).max(600_000).default(30_000),
});
const keysSchema = z.strictObject({
  api_keys: z.array(z.string()).optional(),
  environment_keys: z.array(z.string()).optional(),
});
const downSchema = z.strictObject({ ms: z.number().min(0).max(600_000) });

export function controlRoutes(app: Hono<HttpEnv>, emulator: Emulator, parts: ApiParts): void {
  app.get('/_emulator/sessions', c => c.json(emulator.sessions()));
  app.post('/_emulator/sessions', async c => {
    return c.json(resourceOf(parts.sessions.create(sessionBody(await readObject(parts, c)))));
  });
  app.get('/_emulator/sessions/:id', c => c.json(emulator.session(c.req.param('id')).info()));
  app.get('/_emulator/sessions/:id/ledger', c => c.json(emulator.ledger(c.req.param('id'))));
  app.get('/_emulator/sessions/:id/wait', async c => {
    const query = read(waitSchema, Object.fromEntries(new URL(c.req.url).searchParams));
    const session = emulator.session(c.req.param('id'));
    try {
      return c.json({ reached: true, ...(await session.wait(query.state, { timeoutMs: query.timeout_ms })) });
    } catch (error) {
      if (!(error instanceof WaitTimeout || error instanceof SessionEnded)) throw error;
      return c.json({ reached: false, message: error.message, ...session.info() });
    }
  });
  app.post('/_emulator/sessions/:id/emit', async c => {
    const { events, ...options } = read(emitSchema, await readObject(parts, c));
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    return c.json({ data: emulator.session(c.req.param('id')).emit(events as NewEvent[], given) });
  });
  app.post('/_emulator/sessions/:id/start', c => {
    const session = emulator.session(c.req.param('id'));
    session.start();
    return c.json(session.info());
  });

  for (const path of ['/_emulator', '/_emulator/sessions/:id']) {
    const scope = (c: HttpContext) => parts.sessions.scope(c.req.param('id'));
    app.get(`${path}/faults`, c => c.json(scope(c).live));
    app.post(`${path}/faults`, async c => {
      scope(c).set(read(faultsSchema, await readObject(parts, c)));
      return c.json(scope(c).live);
    });
    app.delete(`${path}/faults`, c => {
      scope(c).clear();
      return c.json({});
    });
    app.post(`${path}/cut`, c => c.json({ cut: emulator.cutStreams((c as HttpContext).req.param('id')) }));
  }

  app.get('/_emulator/requests', c => {
    const { session_id, route } = c.req.query();
    const data = emulator
      .requests()
      .filter(
        entry =>
          (session_id ?? entry.session_id) === entry.session_id && (route ?? entry.route) === entry.route,
      );
    return c.json({ data });
  });
  app.delete('/_emulator/requests', c => {
    emulator.clearRequests();
    return c.json({});
  });
  app.post('/_emulator/keys', async c => {
    const keys = read(keysSchema, await readObject(parts, c));
    emulator.setKeys({ apiKeys: keys.api_keys, environmentKeys: keys.environment_keys });
    return c.json({});
  });
  app.post('/_emulator/down', async c => {
    const { ms } = read(downSchema, await readObject(parts, c));
    // After the answer is out: the connection that asked goes down with the others.
    c.env.outgoing.once('finish', () => {
      void emulator.goDown().then(() => setTimeout(() => void emulator.comeUp(), ms));
    });
    return c.json({ down_ms: ms });
  });
}
