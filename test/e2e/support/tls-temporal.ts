/**
 * What stands before a Temporal server in a cloud: it ends TLS, asks for a client's certificate or for an API key, and
 * hands on by HTTP/2 what passed.
 */
import { readFileSync } from 'node:fs';
import { connect, constants, createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url));

export interface TlsTemporalOptions {
  /** Of the server behind. */
  readonly address: string;
  /** Refuses a handshake without a certificate of our authority. */
  readonly clientCertificate?: boolean;
  /** Refuses requests without it. */
  readonly apiKey?: string;
}

export interface TlsTemporal {
  /** The certificate is for `localhost` and `temporal.test`. */
  readonly address: string;
  /** gRPC paths of the requests that were handed on. */
  readonly paths: ReadonlySet<string>;
  close(): Promise<void>;
}

const HOP = [constants.HTTP2_HEADER_AUTHORITY, constants.HTTP2_HEADER_CONNECTION];

export async function startTlsTemporal(options: TlsTemporalOptions): Promise<TlsTemporal> {
  const [key, cert, ca] = ['server.key', 'server.pem', 'ca.pem'].map(name => readFileSync(tlsFile(name)));
  const asked = options.clientCertificate === true;
  const server = createSecureServer({
    ...(key && cert && ca ? { key, cert, ca } : {}),
    requestCert: asked,
    rejectUnauthorized: asked,
  });
  const behind = connect(`http://${options.address}`);
  behind.on('error', () => {});
  const paths = new Set<string>();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', session => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const path = String(headers[constants.HTTP2_HEADER_PATH]);
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      // As gRPC says UNAUTHENTICATED.
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '16',
          'grpc-message': 'bad key',
        },
        { endStream: true },
      );
      return;
    }
    paths.add(path);
    const request = behind.request(without(headers, HOP));
    let trailers: IncomingHttpHeaders = {};
    request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    request.on('trailers', got => {
      trailers = got;
    });
    request.on('response', (answer, flags) => {
      const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (stream.destroyed) return;
      stream.respond(without(answer, []), { endStream: ended, waitForTrailers: !ended });
      if (ended) return;
      stream.on('wantTrailers', () => stream.sendTrailers(without(trailers, [])));
      request.pipe(stream, { end: true });
    });
    stream.pipe(request, { end: true });
    stream.on('close', () => request.close());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `localhost:${port}`,
    paths,
    close: async () => {
      behind.destroy();
      for (const session of sessions) session.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** Headers that may be sent: names that begin with a colon only where HTTP/2 has them in this direction. */
function without(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || names.includes(name) ? [] : [[name, value as string | string[]] as const],
    ),
  );
}
