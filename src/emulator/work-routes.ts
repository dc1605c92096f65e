/** The endpoints of an environment's work queue (api.md §1.2). */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Caller } from './credentials.ts';
import type { Environment, Environments } from './environments.ts';
import type { SessionFaults } from './faults.ts';
import { type ApiParts, enter, type HttpContext, type HttpEnv, queryOf, read, readObject } from './http.ts';
import { readPage } from './page.ts';
import { checkedMetadata, metadataPatch, patched } from './session-resource.ts';
import type { Actor, WorkItem } from './work-item.ts';

const whole = z.coerce.number().int('must be a whole number');
const pollSchema = z.object({
  block_ms: whole.min(1, 'must be between 1 and 999').max(999, 'must be between 1 and 999').optional(),
  reclaim_older_than_ms: whole.min(0, 'must not be negative').optional(),
});
const beatSchema = z.object({
  expected_last_heartbeat: z.string().optional(),
  desired_ttl_seconds: whole.min(1, 'must be 1 or more').optional(),
});
const stopSchema = z.object({ force: z.boolean().optional() });
const updateSchema = z.object({ metadata: metadataPatch });

const QUEUE = '/v1/environments/:environment/work';
const ITEM = `${QUEUE}/:work`;

export function workRoutes(app: Hono<HttpEnv>, parts: ApiParts): void {
  const environmentOf = (c: HttpContext) => parts.environments.get(c.req.param('environment') ?? '');

  app.get(`${QUEUE}/poll`, async c => {
    const { caller, faults } = await enter(parts, c, 'work_poll');
    const environment = environmentOf(c);
    const query = read(pollSchema, queryOf(c));
    const workerId = c.req.header('anthropic-worker-id');
    const item = await environment.queue.poll({
      workerId,
      blockMs: query.block_ms ?? 0,
      reclaimOlderThanMs: query.reclaim_older_than_ms,
      isGone: () => c.env.outgoing.destroyed,
    });
    if (item === undefined) return c.json(null);
    item.note('polled', actor(caller, c, workerId));
    c.get('entry').work_id = item.id;
    return c.json(item.resource(secretFor(parts.environments, environment, item, workerId ?? null, faults)));
  });

  app.get(`${QUEUE}/stats`, async c => {
    await enter(parts, c, 'work_stats');
    return c.json(environmentOf(c).queue.stats());
  });

  app.get(QUEUE, async c => {
    await enter(parts, c, 'work_list');
    const { data, next_page } = readPage(environmentOf(c).queue.all(), queryOf(c), {
      max: 1000,
      standard: 100,
    });
    return c.json({ data: data.map(item => item.resource()), next_page });
  });

  app.get(ITEM, async c => {
    await enter(parts, c, 'work_get');
    return c.json(environmentOf(c).queue.get(c.req.param('work')).resource());
  });

  app.post(ITEM, async c => {
    await enter(parts, c, 'work_update');
    const item = environmentOf(c).queue.get(c.req.param('work'));
    const { metadata } = read(updateSchema, await readObject(parts, c));
    item.metadata = checkedMetadata(patched(item.metadata, metadata ?? {}));
    return c.json(item.resource());
  });

  app.post(`${ITEM}/ack`, async c => {
    const { caller, faults } = await enter(parts, c, 'work_ack');
    const item = environmentOf(c).queue.ack(c.req.param('work'), actor(caller, c), faults);
    return c.json(item.resource());
  });

  app.post(`${ITEM}/heartbeat`, async c => {
    const { caller } = await enter(parts, c, 'work_heartbeat');
    const query = read(beatSchema, queryOf(c));
    const body = environmentOf(c).queue.heartbeat(c.req.param('work'), actor(caller, c), {
      expected: query.expected_last_heartbeat,
      desiredTtlMs: query.desired_ttl_seconds === undefined ? undefined : query.desired_ttl_seconds * 1000,
    });
    return c.json(body);
  });

  app.post(`${ITEM}/stop`, async c => {
    const { caller } = await enter(parts, c, 'work_stop');
    const { force } = read(stopSchema, await readObject(parts, c));
    const item = environmentOf(c).queue.stop(c.req.param('work'), actor(caller, c), force === true);
    return c.json(item.resource());
  });
}

function actor(caller: Caller, c: HttpContext, workerId?: string): Actor {
  return {
    credential: caller.kind,
    worker_id: workerId ?? (caller.kind === 'session' ? caller.holder.workerId : null),
    helper: c.req.header('x-stainless-helper') ?? null,
  };
}

/** The payload that carries the sessions token, or what a fault makes of it. */
function secretFor(
  environments: Environments,
  environment: Environment,
  item: WorkItem,
  workerId: string | null,
  faults: SessionFaults,
): string | null {
  const fault = faults.get('secret');
  if (fault === 'absent') return null;
  if (fault === 'undecodable') return '%%% not base64 %%%';
  if (fault === 'tokenless') return encode({ api_base_url: 'http://127.0.0.1:9' });
  const sessions_token = environments.issueToken(environment, item, workerId);
  if (fault === 'extra_keys')
    return encode({ session_ingress_token: 'x', auth: [{ type: 'x' }], sessions_token });
  const secret = encode({ sessions_token });
  return fault === 'padded' ? secret.padEnd(Math.ceil(secret.length / 4) * 4, '=') : secret;
}

function encode(payload: object): string {
  return Buffer.from(JSON.stringify(payload)).toString('base64url');
}
