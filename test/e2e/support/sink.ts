/** Takes whatever is posted to it over HTTP and keeps it: an OTLP collector, a receiver of notices. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sink {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly received: readonly { readonly path: string; readonly body: string }[];
}

export async function openSink({
  onTestFinished,
}: {
  onTestFinished(close: () => void): void;
}): Promise<Sink> {
  const received: { path: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString() });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}
