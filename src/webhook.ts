/** The server of `holdfast webhook`: a port, a path, a limit; what a delivery means is the receiver's. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { errorText } from './error-text.ts';
import { type HttpListener, listen } from './http-listener.ts';
import { type DeliveryOptions, receiveDelivery } from './webhook-receiver.ts';

export interface WebhookOptions extends DeliveryOptions {
  readonly port: number;
  readonly host: string;
  /** A line per delivery. */
  readonly log: (line: string) => void;
  /** Largest body in bytes (256 kB); deliveries are some hundred bytes long. */
  readonly maxBytes?: number;
}

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export async function startWebhook(options: WebhookOptions): Promise<HttpListener> {
  const { log } = options;
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
  return listen(app, options);
}
