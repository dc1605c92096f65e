/**
 * A backend that begins sessions and shows their tool calls in a browser, as they end:
 *   ANTHROPIC_API_KEY=… AGENT_ID=agent_… ENVIRONMENT_ID=env_… npm run example examples/backend.ts
 * Workers (`holdfast up`, `holdfast worker`) run the tools; this process runs none and may be restarted at any time.
 */
import Anthropic from '@anthropic-ai/sdk';
import { serve } from '@hono/node-server';
import { attach, start } from 'holdfast/client';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';

const { AGENT_ID = '', ENVIRONMENT_ID = '', PORT = '3000' } = process.env;
const anthropic = new Anthropic();
const app = new Hono();

app.get('/', c => c.html(PAGE));

// The session begins to work at once; what it calls before `start` is found when its history is read.
app.post('/sessions', async c => {
  const { message } = await c.req.json<{ message?: unknown }>();
  if (typeof message !== 'string' || message === '')
    return c.json({ error: 'say something: { "message" }' }, 400);
  const session = await anthropic.beta.sessions.create({
    agent: AGENT_ID,
    environment_id: ENVIRONMENT_ID,
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: message }] }],
  });
  await start(session.id);
  return c.json({ id: session.id }, 201);
});

// For the session's next turn, and again where the first start failed: starting twice is harmless.
app.post('/sessions/:id/start', async c => {
  await start(c.req.param('id'));
  return c.json({ id: c.req.param('id') });
});

// Each call once, also those that ended before; a browser that reconnects goes on behind the last one it has seen.
app.get('/sessions/:id/calls', async c => {
  const session = await attach(c.req.param('id'));
  if (session === undefined) return c.json({ error: 'this session was never started' }, 404);
  const after = c.req.header('last-event-id');
  return streamSSE(c, async stream => {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    for await (const call of session.calls({ after, signal: left.signal }))
      await stream.writeSSE({ id: call.cursor, event: 'call', data: JSON.stringify(call) });
    if (left.signal.aborted) return;
    const { state, reason } = await session.untilDone({ signal: left.signal });
    await stream.writeSSE({ event: 'end', data: JSON.stringify({ state, reason }) });
  });
});

app.onError((error, c) => c.json({ error: error.message }, 502));

const PAGE = `<!doctype html><title>calls</title><input id="say" placeholder="What is to be done?"><ul id="calls"></ul>
<script>
say.onchange = async () => {
  const answer = await fetch('/sessions', { method: 'POST', body: JSON.stringify({ message: say.value }) });
  const { id, error } = await answer.json();
  if (error) return show(error);
  const source = new EventSource('/sessions/' + id + '/calls');
  source.addEventListener('call', ({ data }) => { const call = JSON.parse(data); show(call.summary + ': ' + call.why); });
  source.addEventListener('end', ({ data }) => { source.close(); show(JSON.parse(data).state); });
};
const show = text => calls.append(Object.assign(document.createElement('li'), { textContent: text }));
</script>`;

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening at http://127.0.0.1:${port}`),
);
