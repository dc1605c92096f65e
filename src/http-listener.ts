/** A port on which a Hono app answers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

export interface HttpListener {
  readonly url: string;
  /** Takes no more requests, and resolves when those under way are answered, or after 10 s. */
  close(): Promise<void>;
}

const CLOSE_MS = 10_000;

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export async function listen(
  app: Pick<Hono, 'fetch'>,
  { port, host }: { readonly port: number; readonly host: string },
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
    close: () =>
      new Promise(resolve => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
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
