/** The console's server: a port on loopback, a token, and what it shows. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createAccess } from './access.ts';
import { createConsoleApp } from './app.ts';
import { createLive } from './live.ts';
import type { ConsoleSource } from './source.ts';

export interface ConsoleOptions {
  readonly source: ConsoleSource;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Undefined: a random one. */
  readonly token: string | undefined;
  readonly readsNeedToken: boolean;
  /** Names Temporal for people. */
  readonly temporal: string;
  readonly temporalUi?: { readonly address: string; readonly namespace: string } | undefined;
  readonly defaultName: string;
}

export interface Console {
  readonly url: string;
  /** The address with the token in it: whoever opens it may answer. */
  readonly urlWithToken: string;
  readonly port: number;
  /** Ends all pages that are followed, and resolves when nothing is listened on any more. */
  close(): Promise<void>;
}

const TOKEN_BYTES = 24;

/** @throws where the address cannot be listened on: the error of `listen` with its `code`. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, readsNeedToken, source, temporal, temporalUi, defaultName } = options;
  const token = options.token ?? randomBytes(TOKEN_BYTES).toString('base64url');
  const ending = new AbortController();
  const app = createConsoleApp({
    ...{ source, temporal, temporalUi, defaultName },
    access: createAccess({ token, readsNeedToken }),
    live: createLive({ signal: ending.signal }),
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  return {
    url,
    urlWithToken: `${url}?token=${token}`,
    port,
    close: () =>
      new Promise(resolve => {
        ending.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
