/**
 * The server of `holdfast codec-server`: encrypts and decrypts payloads for Temporal's UI and CLI, by their protocol
 * (`POST …/encode` and `…/decode`, payloads as proto JSON; only the end of the path counts).
 */
import type { PayloadCodec } from '@temporalio/common';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { html } from 'hono/html';
import { z } from 'zod';
import { type CodecAccess, onlyAllowed, showsToken, signIn } from './codec-access.ts';
import { errorLine } from './error-text.ts';
import { type HttpListener, listen } from './http-listener.ts';
import { PayloadKeyError } from './payload-codec.ts';
import { payloadFromJson, payloadToJson } from './payload-json.ts';

export interface CodecServerOptions extends CodecAccess {
  readonly port: number;
  readonly host: string;
  readonly codec: PayloadCodec;
  /** Namespaces that may be asked about (`X-Namespace`); empty: all. */
  readonly namespaces: readonly string[];
  /** Largest body in bytes (16 MB): a page of a history, in base64. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 16_000_000;

const body = z.object({
  payloads: z
    .array(
      z.object({
        metadata: z.record(z.string(), z.base64()).nullish(),
        data: z.base64().nullish(),
      }),
    )
    .default([]),
});

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export function startCodecServer(options: CodecServerOptions): Promise<HttpListener> {
  const { log, origins, token, codec, namespaces, maxBytes: maxSize = MAX_BYTES } = options;
  const app = new Hono();
  const refuse = (c: Context, status: 400 | 403 | 413, line: string) => {
    log(`${status} refused: ${line}`);
    return c.json({ error: line }, status);
  };
  app.get('/health', c => c.json({ status: 'ok' }));
  app.get('/', c => c.html(page(token === undefined || showsToken(c, token))));
  app.post('/sign-in', bodyLimit({ maxSize: 10_000 }), async c => {
    const { token: given } = await c.req.parseBody();
    if (token !== undefined && !signIn(c, String(given ?? ''), token)) {
      log('401 refused: a wrong token on the sign-in page');
      return c.html(page(false, 'That is not the token.'), 401);
    }
    return c.redirect('/', 303);
  });
  app.use(cors({ origin: [...origins], allowMethods: ['POST'], credentials: true, maxAge: 600 }));
  app.use(onlyAllowed(options));
  app.use(bodyLimit({ maxSize, onError: c => refuse(c, 413, `the body is larger than ${maxSize} bytes`) }));
  const answer = (transform: PayloadCodec['encode']) => async (c: Context) => {
    const namespace = c.req.header('x-namespace') ?? '';
    if (namespaces.length > 0 && !namespaces.includes(namespace))
      return refuse(c, 403, `nothing of the namespace ${namespace || '(none)'} is told here`);
    const parsed = body.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) return refuse(c, 400, 'the body is not {"payloads": […]} in proto JSON');
    try {
      const payloads = await transform(parsed.data.payloads.map(payloadFromJson));
      return c.json({ payloads: payloads.map(payloadToJson) });
    } catch (error) {
      if (error instanceof PayloadKeyError) return refuse(c, 400, error.message);
      throw error;
    }
  };
  app.post('*', c => {
    if (c.req.path.endsWith('/decode')) return answer(payloads => codec.decode(payloads))(c);
    if (c.req.path.endsWith('/encode')) return answer(payloads => codec.encode(payloads))(c);
    return c.notFound();
  });
  app.onError((error, c) => {
    log(`500 ${errorLine(error)}`);
    return c.json({ error: 'it could not be answered; the log of the codec server says why' }, 500);
  });
  return listen(app, options);
}

function page(isIn: boolean, problem = '') {
  const form = html`<form method="post" action="/sign-in">
    <label>Token (HOLDFAST_CODEC_TOKEN) <input name="token" type="password" autofocus required></label>
    <button>Sign in</button>
    <p role="alert">${problem}</p>
  </form>`;
  const done = html`<p>You may leave this page: the Temporal UI in this browser can now decrypt.</p>`;
  return html`<!doctype html>
    <html lang="en">
      <head><meta charset="utf-8"><title>Holdfast codec server</title></head>
      <body><h1>Holdfast codec server</h1>${isIn ? done : form}</body>
    </html>`;
}
