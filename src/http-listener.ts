/** A port on which a Hono app answers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

export interface HttpListener {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, and resolves when those under way are answered or have had their time. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** 0: a free one. */
  readonly port: number;
  readonly host: string;
  /** How long requests that are under way at the end may still take, ms (10,000). */
  readonly closeMs?: number;
}

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export async function listen(
  app: Pick<Hono, 'fetch'>,
  { port, host, closeMs = 10_000 }: ListenOptions,
): Promise<HttpListener> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    port: taken,
    close: () =>
      new Promise(resolve => {
        const late = setTimeout(() => server.closeAllConnections(), closeMs);
        // One that is kept alive becomes idle when its request is answered.
        const idle = setInterval(() => server.closeIdleConnections(), 50);
        server.close(() => {
          clearTimeout(late);
          clearInterval(idle);
          resolve();
        });
      }),
  };
}
