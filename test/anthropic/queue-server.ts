/** A work queue that answers as a test says, and remembers what it was asked. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { createItemClients } from '../../src/anthropic/item-clients.ts';
import { createWorkQueue, type WorkQueue } from '../../src/anthropic/work-queue.ts';
import { json, refusal, startScriptedServer } from './scripted-server.ts';

export interface Asked {
  readonly route: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

export interface QueueServer {
  readonly url: string;
  readonly queue: WorkQueue;
  readonly asked: Asked[];
  /** What was asked of one route. */
  of(route: string): Asked[];
}

export type Reply = (response: ServerResponse, asked: Asked) => void;

export const ENVIRONMENT_KEY = 'sk-ant-oat01-environment';

export function workItem(id = 'work_1', session = 'sesn_1', more: Record<string, unknown> = {}) {
  return {
    type: 'work',
    id,
    environment_id: 'env_1',
    state: 'queued',
    data: { type: 'session', id: session },
    secret: null,
    ...more,
  };
}

export const beat = (last: string, more: Record<string, unknown> = {}) => ({
  type: 'work_heartbeat',
  last_heartbeat: last,
  lease_extended: true,
  state: 'active',
  ttl_seconds: 2,
  ...more,
});

/** The 412 of api.md §1.2. */
export function precondition(current: Record<string, unknown> = {}) {
  const message = 'Heartbeat precondition failed: expected hb-1, actual was NULL';
  const { error } = refusal(message);
  const state = {
    state: 'queued',
    last_heartbeat: null,
    lease_extended: false,
    ttl_seconds: 120,
    ...current,
  };
  const details = { error_code: 'heartbeat_precondition_failed', current_state: state };
  return { type: 'error', error: { ...error, details } };
}

/** @param replies by route: `poll`, `ack`, `heartbeat`, `stop`; each is asked in turn, the last one for ever. */
export async function queueServer(
  replies: Readonly<Record<string, readonly Reply[]>>,
  options: { readonly headers?: Record<string, string>; readonly requestMs?: number } = {},
): Promise<QueueServer> {
  const asked: Asked[] = [];
  const of = (route: string) => asked.filter(each => each.route === route);
  const server = await startScriptedServer((response, request) => {
    const url = new URL(request.url ?? '', 'http://x');
    const route = url.pathname.split('/').at(-1) ?? '';
    const each: Asked = {
      route,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
    };
    asked.push(each);
    const list = replies[route] ?? [];
    const reply = list[Math.min(of(route).length, list.length) - 1];
    if (reply === undefined) json(response, 404, refusal(`no ${route} here`, 'not_found_error'));
    else reply(response, each);
  });
  onTestFinished(() => server.close());
  const { headers, requestMs } = options;
  const clients = createItemClients({ baseURL: server.url, environmentKey: ENVIRONMENT_KEY, headers });
  const queue = createWorkQueue(clients, 'worker-1', requestMs === undefined ? {} : { requestMs });
  return { url: server.url, queue, asked, of };
}

export const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Reply =>
  response =>
    json(response, status, body, headers);

/** Leaves the request without an answer. */
export const silence: Reply = () => undefined;
