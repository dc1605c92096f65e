/** What listens at an address, before anything is spoken to it: tells a wrong port from a wrong protocol. */
import { connect, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export type Knock =
  | { readonly kind: 'open' }
  /** An errno code (`ECONNREFUSED`, `ENOTFOUND`, …), or `silent`. */
  | { readonly kind: 'closed'; readonly code: string };

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** @returns undefined for what is no `host:port`. */
export function placeOf(address: string): Place | undefined {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

export function knock({ host, port }: Place, limitMs: number): Promise<Knock> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const settle = (answer: Knock): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle({ kind: 'closed', code: 'silent' }), limitMs);
    socket.once('connect', () => settle({ kind: 'open' }));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle({ kind: 'closed', code: error.code ?? error.message }),
    );
  });
}

export type TlsAnswer =
  | { readonly kind: 'tls' }
  /** It speaks TLS, but its certificate is not one that we trust. */
  | { readonly kind: 'untrusted'; readonly reason: string }
  | { readonly kind: 'no-tls' };

/** @param given certificates and server name as configured. */
export function tryTls({ host, port }: Place, given: ConnectionOptions, limitMs: number): Promise<TlsAnswer> {
  return new Promise(resolve => {
    // Nothing is sent over it: that it is not verified only tells what the server has.
    const socket = connectTls({
      ...{ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...given,
    });
    const settle = (answer: TlsAnswer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle({ kind: 'no-tls' }), limitMs);
    socket.once('secureConnect', () => {
      const reason = socket.authorizationError as Error | string | null | undefined;
      if (socket.authorized || !reason) settle({ kind: 'tls' });
      else settle({ kind: 'untrusted', reason: reason instanceof Error ? reason.message : reason });
    });
    socket.once('error', () => settle({ kind: 'no-tls' }));
  });
}

/** Whether a web server of the old kind is there: it never says anything to a client that speaks HTTP/2 at once. */
export function speaksHttp1({ host, port }: Place, limitMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle(false), limitMs);
    socket.once('connect', () =>
      socket.write(`HEAD / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    socket.once('data', data => settle(data.toString('latin1').startsWith('HTTP/1.')));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
