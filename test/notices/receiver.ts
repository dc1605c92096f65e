/** A receiver of notices: what came, as it came. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly path: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer never comes. */
  readonly never?: true;
}

/** @param answer to the `nth` request, from 1 on. */
export async function startReceiver(answer: (nth: number, received: Received) => Answer | Promise<Answer>) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = {
      headers: plain(request.headers),
      body: Buffer.concat(chunks).toString(),
      path: request.url ?? '',
    };
    const { status, headers = {}, never } = await answer(received.push(one), one);
    if (never !== true) response.writeHead(status, headers).end('what a receiver says is of no interest');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    port: (server.address() as AddressInfo).port,
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
