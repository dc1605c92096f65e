/** `holdfast console`: sessions, calls and approvals in a browser. */
import { Connection } from '@temporalio/client';
import { Command } from 'commander';
import { type Config, readConfig } from '../config.ts';
import { CONNECT_MS, consoleOf } from '../console.ts';
import { createTemporalClient } from '../data-converter.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { listening } from './listening.ts';
import { port } from './up.ts';

interface Flags {
  readonly port?: number;
  readonly host?: string;
  readonly json?: boolean;
}

const HELP = `
Open the URL that it prints: its token becomes a cookie of your browser. Without the token the console
shows everything and takes no answer. A call's output is read from this machine's state folder
(HOLDFAST_STATE_DIR), so run it where the tools run to follow what they write.

Examples:
  holdfast console
  holdfast console --port 0 --json
  ssh -L 8234:127.0.0.1:8234 host    # then open the URL of the console that runs there
`;

export function consoleCommand(): Command {
  return new Command('console')
    .description('show sessions, calls and approvals in a browser')
    .option(
      '--port <port>',
      'to listen on; 0 takes a free one (default: HOLDFAST_CONSOLE_PORT or 8234)',
      port,
    )
    .option('--host <address>', 'address to listen on (default: HOLDFAST_CONSOLE_HOST or 127.0.0.1)')
    .option('--json', 'print one line of JSON: the URL, with its token and without')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const config = settled(readConfig(), flags);
  const signals = catchEndingSignals();
  // Not connected yet: while Temporal is away the pages say so.
  const connection = Connection.lazy({ ...config.temporal.connection, connectTimeout: CONNECT_MS });
  try {
    const client = createTemporalClient(config, connection);
    const shown = await listening(config.console, () => consoleOf(config, client));
    if (flags.json)
      process.stdout.write(`${JSON.stringify({ url: shown.url, urlWithToken: shown.urlWithToken })}\n`);
    else process.stdout.write(`console: ${shown.urlWithToken}\n`);
    if (!signals.signal.aborted)
      await new Promise(resolve => signals.signal.addEventListener('abort', resolve, { once: true }));
    await shown.close();
  } finally {
    signals.release();
    await connection.close();
  }
}

/** Options go before settings. */
function settled(config: Config, flags: Flags): Config {
  const { port: asked, host } = flags;
  if (asked === undefined && host === undefined) return config;
  const again = {
    ...config.env,
    ...(asked === undefined ? {} : { HOLDFAST_CONSOLE_PORT: String(asked) }),
    ...(host === undefined ? {} : { HOLDFAST_CONSOLE_HOST: host }),
  };
  return readConfig(again);
}
