/** The server of `holdfast webhook`: a port, a path, a limit; what a delivery means is the receiver's. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { errorText } from './error-text.ts';
import { type DeliveryOptions, receiveDelivery } from './webhook-receiver.ts';

export interface WebhookOptions extends DeliveryOptions {
  readonly port: number;
  readonly host: string;
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
    const { status, result } = await receiveDelivery(options, await c.req.text(), headers);
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
