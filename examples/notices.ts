/**
 * Takes what Holdfast tells people on duty, and passes it on (here: a line each on standard output):
 *   HOLDFAST_NOTIFY_SECRET=whsec_… npm run example examples/notices.ts
 * and for the worker: HOLDFAST_NOTIFY_URL=http://127.0.0.1:3002/notices HOLDFAST_NOTIFY_SECRET=whsec_… (the same).
 */
import { serve } from '@hono/node-server';
import type { Notice } from 'holdfast/client';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Webhook } from 'standardwebhooks';

const { HOLDFAST_NOTIFY_SECRET = '', PORT = '3002' } = process.env;
const webhook = new Webhook(HOLDFAST_NOTIFY_SECRET);
/** What was passed on. A receiver that is to survive its own restart keeps them in a database. */
const known = new Set<string>();

const app = new Hono();
app.post('/notices', bodyLimit({ maxSize: 1_000_000 }), async c => {
  // As it came, byte for byte: what is parsed and printed again has another signature.
  const body = await c.req.text();
  try {
    webhook.verify(body, Object.fromEntries(c.req.raw.headers));
  } catch (error) {
    return c.json({ error: String(error) }, 401);
  }
  const notice = JSON.parse(body) as Notice;
  // Whatever is not a 2xx is sent again, and so may be what was answered: pass on first, then remember.
  if (!known.has(notice.id)) console.log(textOf(notice));
  known.add(notice.id);
  return c.body(null, 204);
});

function textOf({ type, data }: Notice): string {
  switch (type) {
    case 'calls.held':
      return `${data.session} waits for an approval: ${data.calls.map(({ call, summary }) => `${call} ${summary}`).join('; ')}`;
    case 'session.stuck':
      return `${data.session} has waited since ${data.since} for ${data.waitingFor}`;
    case 'calls.unknown':
      return `${data.session} was told that it is not known what became of ${data.calls.map(({ summary }) => summary).join('; ')}`;
    default:
      return `something new: ${JSON.stringify(type satisfies never)}`;
  }
}

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening at http://127.0.0.1:${port}`),
);
