/** What all routes of the emulated API share: body, credentials, latency, injected faults, error envelope. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { ApiError, envelope } from './api-error.ts';
import type { Clock } from './clock.ts';
import { type Caller, type Credentials, permit, type Target } from './credentials.ts';
import type { Environments } from './environments.ts';
import { type AnswerFault, type FailFault, type Route, SessionFaults } from './faults.ts';
import { newId } from './ids.ts';
import type { MemoryStores } from './memory-stores.ts';
import { describe } from './posted-events.ts';
import type { ReadLimiter } from './read-limit.ts';
import type { RequestEntry, RequestLog } from './request-log.ts';
import type { Sessions } from './sessions.ts';
import type { Skills } from './skills.ts';

export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: { entry: RequestEntry; answer: AnswerFault | undefined };
}
export type HttpContext = Context<HttpEnv>;

/** What the routes work on. */
export interface ApiParts {
  readonly sessions: Sessions;
  readonly environments: Environments;
  readonly skills: Skills;
  readonly memories: MemoryStores;
  readonly clock: Clock;
  readonly credentials: Credentials;
  readonly requests: RequestLog;
  readonly readLimiter: ReadLimiter;
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
      work_id: null,
      status: null,
      bytes: null,
    };
    c.set('entry', entry);
    if (!url.pathname.startsWith('/_emulator')) parts.requests.add(entry);
    await next();
    await spoil(c);
    if (!c.env.outgoing.destroyed) entry.status = c.res.status;
    parts.onRequest(entry);
  });
  app.notFound(c =>
    c.json(envelope(404, `no such endpoint: ${c.req.method} ${c.req.path}`, newId('req')), 404),
  );
  app.onError((error, c) => {
    const id = newId('req');
    if (!(error instanceof ApiError)) return c.json(envelope(500, String(error.stack ?? error), id), 500);
    return Response.json(envelope(error.status, error.message, id, error.fields), {
      status: error.status,
      headers: { ...error.headers, 'request-id': id },
    });
  });
  return app;
}

/** A request that was let in: whose it is, and what may go wrong with it. */
export interface Admitted {
  readonly caller: Caller;
  readonly faults: SessionFaults;
}

/** Lets a request to a route through, or throws its error: the credential first, then what a fault injects. */
export async function enter(parts: ApiParts, c: HttpContext, route: Route): Promise<Admitted> {
  const entry = c.get('entry');
  const target = targetOf(parts, c);
  entry.route = route;
  entry.session_id = target.sessionId ?? null;
  entry.work_id = target.workId ?? null;
  const caller = parts.credentials.identify(c.req.raw.headers);
  permit(caller, route, target);
  parts.readLimiter.check(route);
  const faults = faultsOf(parts, target);
  const latency = faults.latency(route);
  if (latency > 0) await sleep(latency);
  // A post is read first, so that the ledger can say what was refused.
  const failure = route === 'send' ? undefined : faults.takeFailure(route);
  if (failure !== undefined) throw injected(failure);
  const answer = faults.takeAnswer(route);
  if (answer?.how === 'never') await hangUp(c);
  c.set('answer', answer);
  return { caller, faults };
}

/** What a request's path names: `:id` is a session's, `:environment` and `:work` are the work queue's. */
function targetOf(parts: ApiParts, c: HttpContext): Target {
  const environmentId = c.req.param('environment');
  const workId = c.req.param('work');
  const environment = environmentId === undefined ? undefined : parts.environments.find(environmentId);
  const item = workId === undefined ? undefined : environment?.queue.find(workId);
  const sessionId = c.req.param('id') ?? (item?.data.type === 'session' ? item.data.id : undefined);
  const session = sessionId === undefined ? undefined : parts.sessions.find(sessionId);
  return { environmentId, workId, sessionId, sessionEnvironmentId: session?.fields.environmentId };
}

function faultsOf(parts: ApiParts, { environmentId, sessionId }: Target): SessionFaults {
  const environment = environmentId === undefined ? undefined : parts.environments.find(environmentId);
  const session = sessionId === undefined ? undefined : parts.sessions.scopeOf(sessionId);
  const scopes = [session, environment?.faults, parts.sessions.globalFaults];
  return new SessionFaults(scopes.filter(scope => scope !== undefined));
}

/** Keeps the request without an answer until its client gives up, then lets it end. */
async function hangUp(c: HttpContext): Promise<never> {
  const { outgoing } = c.env;
  if (!outgoing.destroyed) await new Promise(resolve => outgoing.once('close', resolve));
  throw new ApiError(504, 'the client hung up');
}

export const JSON_TYPE = { 'content-type': 'application/json' };
const HTML_TYPE = { 'content-type': 'text/html' };

/** Does to an answer what a fault wants. */
async function spoil(c: HttpContext): Promise<void> {
  const answer = c.get('answer');
  if (answer === undefined) return;
  // A stream has begun already: all that can still happen to it is an end.
  if (c.res.headers.has('x-hono-already-sent') && answer.how !== 'cut') return;
  if (answer.how === 'late') await sleep(answer.ms);
  else if (answer.how === 'bad_json') c.res = new Response('{"type": "work", ', { headers: JSON_TYPE });
  else if (answer.how === 'html') c.res = new Response('<html>Bad gateway</html>', { headers: HTML_TYPE });
  else if (answer.how === 'cut') {
    c.env.outgoing.destroy();
    c.res = alreadySent();
  }
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

/** What the schema makes of a value; the first thing wrong with it is a 400. */
export function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ApiError(400, describe(parsed.error));
  return parsed.data;
}

export function queryOf(c: HttpContext): Record<string, string> {
  return Object.fromEntries(new URL(c.req.url).searchParams);
}

export function headersOf(c: HttpContext): Record<string, string> {
  return Object.fromEntries(c.req.raw.headers);
}
