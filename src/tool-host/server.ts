/**
 * The host's HTTP server. Its thread runs no tool code (I12). It answers nothing about calls to a worker that means
 * another incarnation, nor when the journal is gone: what it does not know it does not touch (I4).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorText } from '../error-text.ts';
import { failpoint } from '../failpoint.ts';
import type { Calls } from './calls.ts';
import type { Journal } from './journal.ts';
import type { MountAnswer, MountRequest } from './mount-protocol.ts';
import {
  type CallRequest,
  type CloseAnswer,
  type CloseRequest,
  type Health,
  type HostLost,
  INCARNATION_HEADER,
  type ReloadAnswer,
} from './protocol.ts';
import type { ToolsVersion } from './tool-set.ts';

export interface ServedHost {
  readonly incarnation: string;
  readonly journal: Journal;
  readonly calls: Calls;
  readonly health: () => Omit<Health, 'kind'>;
  /** Whether the journal still stands, with this incarnation. */
  readonly journalStands: () => boolean;
  readonly onJournalLost: () => void;
  /** Told when a request that is not a mere look begins, and when it is over. */
  readonly onSpoken: (change: 1 | -1) => void;
  readonly mount: (request: MountRequest) => Promise<MountAnswer>;
  readonly reload: (version: ToolsVersion) => Promise<ReloadAnswer>;
  readonly close: (request: CloseRequest) => Promise<CloseAnswer>;
  /** The answer to `close` is out: the process may end. */
  readonly onClosed: () => void;
}

const LOG_BYTES = 1024 * 1024;
/** An input of the API is far smaller; this only keeps a broken client from filling memory. */
const BODY_BYTES = 64 * 1024 * 1024;

export function createHostServer(host: ServedHost): Server {
  const server = createServer((request, response) => {
    answer(host, request, response).catch((error: unknown) => {
      const message = errorText(error);
      console.error(`${request.method} ${request.url}: ${message}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, { kind: 'error', message }, 500);
    });
  });
  // Workers keep their connections; a timeout would only race with their next request.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

async function answer(host: ServedHost, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Not through `URL`, which takes a call named `..` for a step up.
  const [path = '/', search] = (request.url ?? '/').split('?');
  const query = new URLSearchParams(search);
  const isHealth = request.method === 'GET' && path === '/';
  const lost = isHealth && query.has('any') ? undefined : whyLost(host, request);
  if (lost !== undefined) return sendJson(response, lost);
  if (isHealth) return sendJson(response, { kind: 'health', ...host.health() });
  host.onSpoken(1);
  response.once('close', () => host.onSpoken(-1));
  if (request.method === 'POST' && path === '/close') {
    const closed = await host.close(await readBody<CloseRequest>(request));
    sendJson(response, closed);
    if (closed.kind === 'closed') response.once('close', host.onClosed);
    return;
  }
  if (request.method === 'POST' && path === '/mount')
    return sendJson(response, await host.mount(await readBody<MountRequest>(request)));
  if (request.method === 'POST' && path === '/tools')
    return sendJson(response, await host.reload(await readBody<ToolsVersion>(request)));
  const [, callId, part] = /^\/calls\/([^/]+)(?:\/(log|outcome))?$/.exec(path) ?? [];
  if (callId === undefined) return sendJson(response, { kind: 'error', message: 'no such path' }, 404);
  await answerCall(host, decodeURIComponent(callId), part, query, request, response);
}

async function answerCall(
  host: ServedHost,
  id: string,
  part: string | undefined,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (`${request.method} ${part ?? ''}`.trim()) {
    case 'PUT': {
      const call = checked(await readBody(request));
      await failpoint('put.received');
      return sendJson(response, await host.calls.startOrAttach(id, call));
    }
    case 'DELETE':
      await failpoint('stop.received');
      return sendJson(response, await host.calls.stop(id));
    case 'GET outcome':
      return sendJson(response, await host.calls.outcome(id, query.get('full') === '1'));
    case 'GET log': {
      const from = Math.max(0, Number(query.get('from') ?? 0) || 0);
      response.setHeader('content-type', 'application/octet-stream');
      response.end(await host.journal.readLog(id, from, LOG_BYTES));
      return;
    }
    default:
      return sendJson(response, { kind: 'error', message: 'no such method' }, 405);
  }
}

/** A call that makes no sense must not leave a trace in the journal. */
function checked(call: Partial<CallRequest>): CallRequest {
  const { name, timeoutMs, waitMs, idempotent } = call;
  const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0;
  if (typeof name !== 'string' || !isTime(timeoutMs) || !isTime(waitMs) || typeof idempotent !== 'boolean') {
    throw new Error('a call needs a name, timeoutMs and waitMs in milliseconds, and idempotent');
  }
  return call as CallRequest;
}

function whyLost(host: ServedHost, request: IncomingMessage): HostLost | undefined {
  const meant = request.headers[INCARNATION_HEADER];
  if (meant !== host.incarnation) {
    return { kind: 'host-lost', reason: `this host serves incarnation ${host.incarnation}, not ${meant}` };
  }
  if (host.journalStands()) return undefined;
  host.onJournalLost();
  return { kind: 'host-lost', reason: 'the journal of this host is gone' };
}

async function readBody<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES) throw new Error(`the request is larger than ${BODY_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}
