/** A console from the settings: by itself, and beside what `up` runs. */
import { type Client, Connection } from '@temporalio/client';
import type { Config } from './config.ts';
import { type Console, startConsole } from './console/server.ts';
import { temporalSource } from './console/temporal-source.ts';
import { createTemporalClient } from './data-converter.ts';
import { errorLine } from './error-text.ts';
import { userName } from './user-name.ts';

/**
 * @param uiAddress of Temporal's UI where it was started with us; the setting goes before it.
 * @throws where the address cannot be listened on: the error of `listen` with its `code`.
 */
export function consoleOf(config: Config, client: Client, uiAddress?: string): Promise<Console> {
  const { host, port, token, readsNeedToken, temporalUi } = config.console;
  const { address, namespace } = config.temporal;
  const ui = temporalUi ?? uiAddress ?? knownUi(address);
  return startConsole({
    ...{ host, port, token, readsNeedToken },
    source: temporalSource({ client, stateDir: config.stateDir }),
    temporal: `${address}, namespace ${namespace}`,
    temporalUi: ui === undefined ? undefined : { address: ui, namespace },
    defaultName: userName() ?? 'a person',
  });
}

/** A page is waited for. */
export const CONNECT_MS = 3_000;

export interface OpenConsole {
  close(): Promise<void>;
}

/** Beside something else, which goes on without it: a port that is taken is a line, and no end. */
export async function consoleBeside(
  config: Config,
  log: { info(line: string): void; warn(line: string): void },
  uiAddress?: string,
): Promise<OpenConsole> {
  const { host, port } = config.console;
  // Not connected yet: while Temporal is away the pages say so.
  const connection = Connection.lazy({ ...config.temporal.connection, connectTimeout: CONNECT_MS });
  const client = createTemporalClient(config, connection);
  try {
    const shown = await consoleOf(config, client, uiAddress);
    // Logs are kept and read by others: only a token that nobody else could know is told there.
    const { token } = config.console;
    log.info(
      `console: ${token === undefined ? shown.urlWithToken : `${shown.url}?token=(HOLDFAST_CONSOLE_TOKEN)`}`,
    );
    return {
      async close() {
        await shown.close();
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    log.warn(
      `no console: cannot listen on ${host}:${port} (${errorLine(error)}); set HOLDFAST_CONSOLE_PORT, 0 for a free one`,
    );
    return { close: async () => {} };
  }
}

/** Where the UI is known to stand: Temporal Cloud's, and the one that a development server has beside it. */
function knownUi(address: string): string | undefined {
  if (/\.(tmprl\.cloud|api\.temporal\.io):\d+$/.test(address)) return 'https://cloud.temporal.io';
  return /^(127\.0\.0\.1|localhost):7233$/.test(address) ? 'http://127.0.0.1:8233' : undefined;
}
