/**
 * The emulator's own endpoints on environments, JSON without credentials:
 *
 *     GET, POST /_emulator/environments            {id?, keys?, lease_ttl_ms?, requeue_delay_ms?, token_ttl_ms?}
 *     GET       /_emulator/environments/{id}       POST …/keys {keys}
 *     GET, POST …/work                             {session_id?, metadata?}; without a session a healthcheck
 *     GET       …/work/{id}                        with the history of the item
 *     POST      …/work/{id}/expire · /revoke · /stop {force?}
 *     GET, POST, DELETE …/faults
 *     POST      /_emulator/clock {advance_ms}
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { faultsSchema } from './faults.ts';
import { type ApiParts, type HttpContext, type HttpEnv, read, readObject } from './http.ts';
import { environmentOptions, environmentSchema } from './seed.ts';
import type { Emulator } from './server.ts';

const keysSchema = z.strictObject({ keys: z.array(z.string().min(1)) });
const enqueueSchema = z.strictObject({
  session_id: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
const stopSchema = z.strictObject({ force: z.boolean().default(false) });
const clockSchema = z.strictObject({ advance_ms: z.number().min(0) });

const ENVIRONMENT = '/_emulator/environments/:environment';
const ITEM = `${ENVIRONMENT}/work/:work`;

export function environmentControlRoutes(app: Hono<HttpEnv>, emulator: Emulator, parts: ApiParts): void {
  const environmentOf = (c: HttpContext) => emulator.environment(c.req.param('environment') ?? '');
  const workOf = (c: HttpContext) => c.req.param('work') ?? '';

  app.get('/_emulator/environments', c => c.json(emulator.environments().map(one => one.info())));
  app.post('/_emulator/environments', async c => {
    const given = read(environmentSchema, await readObject(parts, c));
    const environment = emulator.createEnvironment(environmentOptions(given));
    return c.json(environment.info());
  });
  app.get(ENVIRONMENT, c => c.json(environmentOf(c).info()));
  app.post(`${ENVIRONMENT}/keys`, async c => {
    environmentOf(c).setKeys(read(keysSchema, await readObject(parts, c)).keys);
    return c.json(environmentOf(c).info());
  });

  app.get(`${ENVIRONMENT}/work`, c => c.json({ data: environmentOf(c).work() }));
  app.post(`${ENVIRONMENT}/work`, async c => {
    const { session_id, metadata } = read(enqueueSchema, await readObject(parts, c));
    return c.json(environmentOf(c).enqueue({ sessionId: session_id, metadata }));
  });
  app.get(ITEM, c => c.json(environmentOf(c).item(workOf(c))));
  app.post(`${ITEM}/expire`, c => c.json(environmentOf(c).expire(workOf(c))));
  app.post(`${ITEM}/revoke`, c => c.json({ revoked: environmentOf(c).revokeTokens(workOf(c)) }));
  app.post(`${ITEM}/stop`, async c => {
    const { force } = read(stopSchema, await readObject(parts, c));
    return c.json(environmentOf(c).stop(workOf(c), force));
  });

  const scope = (c: HttpContext) => parts.environments.get(c.req.param('environment') ?? '').faults;
  app.get(`${ENVIRONMENT}/faults`, c => c.json(scope(c).live));
  app.post(`${ENVIRONMENT}/faults`, async c => {
    scope(c).set(read(faultsSchema, await readObject(parts, c)));
    return c.json(scope(c).live);
  });
  app.delete(`${ENVIRONMENT}/faults`, c => {
    scope(c).clear();
    return c.json({});
  });

  app.post('/_emulator/clock', async c => {
    const { advance_ms } = read(clockSchema, await readObject(parts, c));
    emulator.advanceClock(advance_ms);
    return c.json({ now: new Date(parts.clock.now()).toISOString() });
  });
}
