/** The console's server: a port on loopback, a token, and what it shows. */
import { randomBytes } from 'node:crypto';
import { listen } from '../http-listener.ts';
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
  // Pages that are followed never end by themselves, and hear of it by `ending`.
  const listener = await listen(app, { host, port: options.port, closeMs: 0 });
  const url = `${listener.url}/`;
  return {
    url,
    urlWithToken: `${url}?token=${token}`,
    port: listener.port,
    close: () => {
      ending.abort();
      return listener.close();
    },
  };
}
