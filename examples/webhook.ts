/**
 * The API's webhook in a server of one's own: each session of our environment that begins to run is served.
 *   ANTHROPIC_API_KEY=… ENVIRONMENT_ID=env_… ANTHROPIC_WEBHOOK_SIGNING_KEY=whsec_… npm run example examples/webhook.ts
 * `holdfast webhook` is the same as a command.
 */
import Anthropic from '@anthropic-ai/sdk';
import { serve } from '@hono/node-server';
import { start } from 'holdfast/client';
import { createWebhookReceiver, sessionsOfEnvironment } from 'holdfast/webhook';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

const { ANTHROPIC_WEBHOOK_SIGNING_KEY = '', ENVIRONMENT_ID = '', PORT = '3001' } = process.env;

const webhook = createWebhookReceiver({
  signingKey: ANTHROPIC_WEBHOOK_SIGNING_KEY,
  serves: sessionsOfEnvironment(new Anthropic(), ENVIRONMENT_ID),
  start: sessionId => start(sessionId),
});

const app = new Hono();
app.post('/webhook', bodyLimit({ maxSize: 256_000 }), c => webhook.fetch(c.req.raw));

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening at http://127.0.0.1:${port}`),
);
