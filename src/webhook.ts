/**
 * Receives the API's webhook and starts the workflow of each session that begins to run. It answers 2xx only
 * when the start is durable; whatever may pass by itself is a 503, so that the sender tries again.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { WebhookReader } from './anthropic/webhook-event.ts';
import { errorText } from './error-text.ts';
import { isSessionId } from './session-id.ts';

export interface WebhookOptions {
  readonly port: number;
  readonly host: string;
  readonly reader: WebhookReader;
  /** Resolves when Temporal has accepted the start, which may be repeated (deliveries are). */
  readonly start: (sessionId: string) => Promise<void>;
  /** Whether the session is one that we serve; rejects where that cannot be told now. Absent: all are. */
  readonly serves?: (sessionId: string) => Promise<boolean>;
  /** A line per delivery. */
  readonly log: (line: string) => void;
  /** Largest body in bytes (256 kB); deliveries are some hundred bytes long. */
  readonly maxBytes?: number;
}

export interface Webhook {
  readonly url: string;
  /** Takes no more deliveries, and resolves when those under way are answered, or after 10 s. */
  close(): Promise<void>;
}

const CLOSE_MS = 10_000;
const STARTS = 'session.status_run_started';

interface Answer {
  readonly status: 200 | 400 | 401 | 503;
  /** For the log and for whoever looks at deliveries in the sender's console. */
  readonly result: string;
}

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { host, log } = options;
  const app = new Hono();
  const tooLarge = bodyLimit({
    maxSize: options.maxBytes ?? 256_000,
    onError: c => {
      log('413 refused: the body is too large');
      return c.json({ result: 'the body is too large' }, 413);
    },
  });
  app.get('/health', c => c.json({ status: 'ok' }));
  app.post('/', tooLarge, async c => {
    const headers = Object.fromEntries(c.req.raw.headers);
    const { status, result } = await receive(options, await c.req.text(), headers);
    log(`${status} ${result}`);
    return c.json({ result }, status);
  });
  app.onError((error, c) => {
    log(`400 refused: ${errorText(error)}`);
    return c.json({ result: 'the request cannot be read' }, 400);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise(resolve => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
        // One that is kept alive becomes idle when its delivery is answered.
        const idle = setInterval(() => server.closeIdleConnections(), 50);
        server.close(() => {
          clearTimeout(late);
          clearInterval(idle);
          resolve();
        });
      }),
  };
}

async function receive(
  { reader, start, serves }: WebhookOptions,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const delivered = reader.read(body, headers);
  if (delivered.kind === 'unverified') return { status: 401, result: `refused: ${delivered.reason}` };
  if (delivered.kind === 'malformed') return { status: 400, result: `refused: ${delivered.reason}` };
  const { id, type, subject } = delivered;
  const what = `${shown(id)} ${shown(type)} ${shown(subject)}`;
  if (type !== STARTS) return { status: 200, result: `${what}: ignored` };
  if (!isSessionId(subject)) return { status: 400, result: `${what}: refused, that is not a session id` };
  try {
    if (serves !== undefined && !(await serves(subject)))
      return { status: 200, result: `${what}: ignored, it is not of our environment` };
    await start(subject);
    return { status: 200, result: `${what}: started` };
  } catch (error) {
    return { status: 503, result: `${what}: not started, deliver it again: ${oneLine(errorText(error))}` };
  }
}

/** Nothing that was sent can break a line of the log. */
function shown(text: string): string {
  return /^[\w.-]{1,200}$/.test(text) ? text : JSON.stringify(text.slice(0, 200));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
