/** What all routes of the emulated API share: body, credentials, latency, injected errors, error envelope. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { ApiError, envelope } from './api-error.ts';
import type { Credentials } from './credentials.ts';
import type { FailFault, Route } from './faults.ts';
import { newId } from './ids.ts';
import type { RequestEntry, RequestLog } from './request-log.ts';
import type { Sessions } from './sessions.ts';

export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: { entry: RequestEntry };
}
export type HttpContext = Context<HttpEnv>;

/** What the routes work on. */
export interface ApiParts {
  readonly sessions: Sessions;
  readonly credentials: Credentials;
  readonly requests: RequestLog;
  readonly maxBodyBytes: number;
  readonly pingMs: number;
  readonly onRequest: (entry: RequestEntry) => void;
}

/** The response whose bytes are, or will be, written on the raw response. */
export function alreadySent(): Response {
  return new Response(null, { headers: { 'x-hono-already-sent': 'true' } });
}

/** An app that logs its requests and answers every error with the envelope. */
export function newApp(parts: ApiParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(async (c, next) => {
    const url = new URL(c.req.url);
    const entry: RequestEntry = {
      method: c.req.method,
      path: url.pathname + url.search,
      headers: headersOf(c),
      at: Date.now(),
      route: null,
      session_id: null,
      status: null,
    };
    c.set('entry', entry);
    if (!url.pathname.startsWith('/_emulator')) parts.requests.add(entry);
    await next();
    if (!c.env.outgoing.destroyed) entry.status = c.res.status;
    parts.onRequest(entry);
  });
  app.notFound(c =>
    c.json(envelope(404, `no such endpoint: ${c.req.method} ${c.req.path}`, newId('req')), 404),
  );
  app.onError((error, c) => {
    const id = newId('req');
    if (!(error instanceof ApiError)) return c.json(envelope(500, String(error.stack ?? error), id), 500);
    return Response.json(envelope(error.status, error.message, id), {
      status: error.status,
      headers: { ...error.headers, 'request-id': id },
    });
  });
  return app;
}

/** Lets a request to a route through, or throws its error: the credential first, then what a fault injects. */
export async function enter(parts: ApiParts, c: HttpContext, route: Route): Promise<void> {
  const entry = c.get('entry');
  const sessionId = c.req.param('id');
  entry.route = route;
  entry.session_id = sessionId ?? null;
  parts.credentials.check(c.req.raw.headers);
  const faults = parts.sessions.faultsOf(sessionId);
  const latency = faults.latency(route);
  if (latency > 0) await sleep(latency);
  // A post is read first, so that the ledger can say what was refused.
  const failure = route === 'send' ? undefined : faults.takeFailure(route);
  if (failure !== undefined) throw injected(failure);
}

/** The error that a fault asks for. */
export function injected(fault: FailFault): ApiError {
  return new ApiError(fault.status, fault.message ?? `injected by the emulator: ${fault.status}`, {
    ...(fault.retry_after !== undefined && { 'retry-after': String(fault.retry_after) }),
    ...(fault.should_retry !== undefined && { 'x-should-retry': String(fault.should_retry) }),
  });
}

/** The JSON body; above the limit a 413, after all of it was read, so that the client can read the answer. */
export async function readJson(parts: Pick<ApiParts, 'maxBodyBytes'>, c: HttpContext): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of c.env.incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= parts.maxBodyBytes) chunks.push(chunk);
  }
  if (bytes > parts.maxBodyBytes) {
    throw new ApiError(413, `request body of ${bytes} bytes is larger than ${parts.maxBodyBytes}`);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ApiError(400, 'the request body is not valid JSON');
  }
}

/** The JSON body where it must be an object. */
export async function readObject(
  parts: Pick<ApiParts, 'maxBodyBytes'>,
  c: HttpContext,
): Promise<Record<string, unknown>> {
  const body = (await readJson(parts, c)) ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new ApiError(400, 'the request body must be a JSON object');
  }
  return body as Record<string, unknown>;
}

export function headersOf(c: HttpContext): Record<string, string> {
  return Object.fromEntries(c.req.raw.headers);
}
