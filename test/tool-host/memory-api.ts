/** What of the API the mounting of skills and memory stores needs, over HTTP: one session, one store, no skill. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MemoryApi {
  readonly address: string;
  /** Content by path, e.g. `/notes.md`. */
  readonly memories: Map<string, string>;
  /** What each request was authorised with, newest last. */
  readonly tokens: string[];
  /** While set, every request is answered with this status. */
  status: number | undefined;
  /** The store is not there any more. */
  missing: boolean;
  close(): Promise<void>;
}

export const STORE = 'memstore_1';

/** @param mountPath where the session's store is mounted. */
export async function startMemoryApi(sessionId: string, mountPath: string): Promise<MemoryApi> {
  const memories = new Map<string, string>();
  const tokens: string[] = [];
  const api = { memories, tokens, status: undefined as number | undefined, missing: false };
  const memory = (path: string) => ({
    type: 'memory',
    id: `mem_${Buffer.from(path).toString('hex')}`,
    path,
    content: memories.get(path),
    content_sha256: createHash('sha256')
      .update(memories.get(path) ?? '')
      .digest('hex'),
  });
  const byId = (id: string) => [...memories.keys()].find(path => memory(path).id === id);
  const answer = async (request: IncomingMessage, path: string): Promise<[number, unknown]> => {
    if (api.status !== undefined) return [api.status, failure('switched off')];
    const method = request.method ?? 'GET';
    if (path === `/v1/sessions/${sessionId}`) {
      const store = { type: 'memory_store', memory_store_id: STORE, name: 'notes', access: 'read_write' };
      return [
        200,
        { id: sessionId, resources: [{ ...store, mount_path: mountPath }], agent: { skills: [SKILL] } },
      ];
    }
    const base = `/v1/memory_stores/${STORE}/memories`;
    const id = path.slice(base.length + 1);
    if (!path.startsWith(base) || api.missing) return [404, failure('not found')];
    if (id === '' && method === 'GET')
      return [200, { data: [...memories.keys()].map(memory), next_page: null }];
    const known = id === '' ? undefined : byId(id);
    const body =
      method === 'POST' ? ((await bodyOf(request)) as { path?: string; content: string }) : undefined;
    const target = id === '' ? body?.path : known;
    if (target === undefined) return [404, failure('no such memory')];
    if (body !== undefined) memories.set(target, body.content);
    if (method === 'DELETE') memories.delete(target);
    return [200, memory(target)];
  };
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization ?? '');
    const [path = ''] = (request.url ?? '').split('?');
    answer(request, path).then(
      ([status, body]) => send(response, status, body),
      error => send(response, 500, failure(String(error))),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>(resolve => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(api, { address, close });
}

const SKILL = { type: 'custom', skill_id: 'skill_gone', version: 'latest' };

function failure(message: string) {
  return { type: 'error', error: { type: 'api_error', message } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}
