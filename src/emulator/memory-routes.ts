/** The endpoints on memory stores (api.md §1.8), and the emulator's own way to make and read them. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { Route } from './faults.ts';
import { type ApiParts, enter, type HttpContext, type HttpEnv, queryOf, read, readObject } from './http.ts';
import { type Memory, type MemoryStore, memoryResource } from './memory-store.ts';
import { readPage } from './page.ts';
import { memoryStoreOptions, memoryStoreSchema } from './seed.ts';
import { attachmentOf } from './session-resource.ts';

const MEMORIES = '/v1/memory_stores/:store/memories';
const MEMORY = `${MEMORIES}/:memory`;
const BETA = 'agent-memory-2026-07-22';

const sha = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal characters');
const view = z.enum(['basic', 'full']).optional();
const prefix = z.string().regex(/^\/.*\/$|^\/$/s, 'must begin and end with /');
const listSchema = z.object({
  view,
  path_prefix: prefix.optional(),
  depth: z.coerce.number().int().min(0).max(1).default(0),
});
const createSchema = z.object({ path: z.string('path is required'), content: z.string().nullable() });
const updateSchema = z.object({
  path: z.string().nullish(),
  content: z.string().nullish(),
  precondition: z.object({ type: z.literal('content_sha256'), content_sha256: sha.optional() }).nullish(),
});
const deleteSchema = z.object({ expected_content_sha256: sha.optional() });

export function memoryRoutes(app: Hono<HttpEnv>, parts: ApiParts): void {
  app.get(MEMORIES, async c => {
    const store = await storeFor(parts, c, 'memory_list');
    const query = read(listSchema, queryOf(c));
    const most = query.view === 'full' ? 20 : 100;
    const found = below(store.all(), query.path_prefix ?? '/', query.depth);
    // A larger limit is capped, not refused.
    const limit = Math.min(Number(queryOf(c).limit ?? most), most);
    const page = readPage(found, { ...queryOf(c), limit: String(limit) }, { max: most, standard: most });
    const data = page.data.map(one =>
      typeof one === 'string'
        ? { type: 'memory_prefix', path: one }
        : memoryResource(store, one, query.view ?? 'basic'),
    );
    return c.json({ data, next_page: page.next_page });
  });

  app.get(MEMORY, async c => {
    const store = await storeFor(parts, c, 'memory_get');
    return c.json(memoryResource(store, store.get(c.req.param('memory')), viewOf(c, 'full')));
  });

  app.post(MEMORIES, async c => {
    const store = await storeFor(parts, c, 'memory_create');
    const { path, content } = read(createSchema, await readObject(parts, c));
    return c.json(memoryResource(store, store.create(path, content ?? ''), viewOf(c, 'basic')));
  });

  app.post(MEMORY, async c => {
    const store = await storeFor(parts, c, 'memory_update');
    const { path, content, precondition } = read(updateSchema, await readObject(parts, c));
    const change = {
      ...(typeof path === 'string' && { path }),
      ...(typeof content === 'string' && { content }),
    };
    const memory = store.update(c.req.param('memory'), change, precondition?.content_sha256);
    return c.json(memoryResource(store, memory, viewOf(c, 'basic')));
  });

  app.delete(MEMORY, async c => {
    const store = await storeFor(parts, c, 'memory_delete');
    const id = c.req.param('memory');
    store.delete(id, read(deleteSchema, queryOf(c)).expected_content_sha256);
    return c.json({ id, type: 'memory_deleted' });
  });

  app.post('/_emulator/memory_stores', async c => {
    const made = parts.memories.create(
      memoryStoreOptions(read(memoryStoreSchema, await readObject(parts, c))),
    );
    return c.json({ id: made.id, memories: contentsOf(made) });
  });
  app.get('/_emulator/memory_stores/:store', c => {
    const store = parts.memories.get(c.req.param('store'));
    return c.json({ id: store.id, memories: contentsOf(store) });
  });
}

/** Contents by path. */
export function contentsOf(store: MemoryStore): Record<string, string> {
  return Object.fromEntries(store.all().map(({ path, content }) => [path, content]));
}

/** Lets the request in; a sessions token reaches only the stores of its session, as they are attached to it. */
async function storeFor(parts: ApiParts, c: HttpContext, route: Route): Promise<MemoryStore> {
  const { caller } = await enter(parts, c, route);
  const betas = c.req.header('anthropic-beta') ?? '';
  if (!betas.includes(BETA) || betas.includes('managed-agents-')) {
    throw new ApiError(400, `anthropic-beta: this endpoint needs ${BETA}, and no other managed-agents beta`);
  }
  const id = c.req.param('store') ?? '';
  if (caller.kind === 'session') {
    const session = parts.sessions.find(caller.holder.item.data.id);
    const attached = session === undefined ? undefined : attachmentOf(session, id);
    if (attached === undefined) throw new ApiError(403, `memory store ${id} is not attached to the session`);
    if (attached.access === 'read_only' && route !== 'memory_list' && route !== 'memory_get') {
      throw new ApiError(403, `memory store ${id} is attached read-only`);
    }
  }
  return parts.memories.get(id);
}

/** The memories below a prefix; at depth 1 only its direct children, deeper ones rolled up to their directory. */
function below(all: readonly Memory[], prefix: string, depth: number): (Memory | string)[] {
  const found = all.filter(({ path }) => path.startsWith(prefix));
  if (depth === 0) return found;
  const seen = new Map<string, Memory | string>();
  for (const memory of found) {
    const [child = '', ...deeper] = memory.path.slice(prefix.length).split('/');
    const rolled = deeper.length === 0 ? memory : `${prefix}${child}/`;
    seen.set(typeof rolled === 'string' ? rolled : memory.path, rolled);
  }
  return [...seen.values()];
}

function viewOf(c: HttpContext, standard: 'basic' | 'full'): 'basic' | 'full' {
  return read(z.object({ view }), queryOf(c)).view ?? standard;
}
