/** The endpoints on sessions and threads themselves (api.md §1.3). */
import type { Hono } from 'hono';
import { ApiError } from './api-error.ts';
import { type ApiParts, enter, type HttpContext, type HttpEnv, readObject } from './http.ts';
import type { Session } from './session.ts';
import { applyUpdate, resourceOf } from './session-resource.ts';
import type { Thread } from './threads.ts';

const BETA = 'managed-agents-2026-04-01';

export function sessionRoutes(app: Hono<HttpEnv>, parts: ApiParts): void {
  const { sessions } = parts;

  app.post('/v1/sessions', async c => {
    await enter(parts, c, 'create');
    const session = sessions.create(await readObject(parts, c));
    c.get('entry').session_id = session.id;
    return c.json(resourceOf(session));
  });

  app.get('/v1/sessions/:id', async c => {
    await enter(parts, c, 'retrieve');
    return c.json(resourceOf(sessions.get(c.req.param('id'))));
  });

  app.post('/v1/sessions/:id', async c => {
    await enter(parts, c, 'update');
    const session = sessions.get(c.req.param('id'));
    const body = await readObject(parts, c);
    if (session.status === 'terminated') {
      throw new ApiError(400, `Cannot update archived session: ${session.id}`);
    }
    applyUpdate(session, body);
    return c.json(resourceOf(session));
  });

  app.post('/v1/sessions/:id/archive', async c => {
    await enter(parts, c, 'archive');
    const session = sessions.get(c.req.param('id'));
    session.archive();
    return c.json(resourceOf(session));
  });

  app.delete('/v1/sessions/:id', async c => {
    await enter(parts, c, 'delete');
    const session = sessions.get(c.req.param('id'));
    sessions.delete(session);
    return c.json({ id: session.id, type: 'session_deleted' });
  });

  app.get('/v1/sessions/:id/threads', async c => {
    const session = await threadsOf(parts, c);
    return c.json({
      data: session.threads.all().map(thread => threadResource(session, thread)),
      next_page: null,
    });
  });

  app.get('/v1/sessions/:id/threads/:thread', async c => {
    const session = await threadsOf(parts, c);
    const thread = session.threads.get(c.req.param('thread'));
    if (thread === undefined) {
      throw new ApiError(404, `thread ${c.req.param('thread')} was not found in session ${session.id}`);
    }
    return c.json(threadResource(session, thread));
  });
}

/** Unlike the other endpoints these are 404 without the beta header (§1.3). */
async function threadsOf(parts: ApiParts, c: HttpContext): Promise<Session> {
  await enter(parts, c, 'threads');
  if (!c.req.header('anthropic-beta')?.includes(BETA)) {
    throw new ApiError(404, `not found: this endpoint needs the header anthropic-beta: ${BETA}`);
  }
  return parts.sessions.get(c.req.param('id') ?? '');
}

function threadResource(session: Session, thread: Thread): Record<string, unknown> {
  return {
    id: thread.id,
    type: 'session_thread',
    session_id: session.id,
    parent_thread_id: thread.parentId,
    agent: { ...session.fields.agent, name: thread.agentName },
    status: thread.status,
    created_at: thread.createdAt,
    updated_at: session.updatedAt,
    archived_at: null,
    stats: null,
    usage: null,
    workflow_run_id: null,
  };
}
