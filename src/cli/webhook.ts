/** `holdfast webhook`: starts sessions as the API tells of them. */
import { type Client, Connection, ServiceError } from '@temporalio/client';
import { Command } from 'commander';
import { createClient } from '../anthropic/client.ts';
import { createMembership } from '../anthropic/membership.ts';
import { createWebhookReader } from '../anthropic/webhook-event.ts';
import { startSession } from '../client.ts';
import { type Config, readConfig } from '../config.ts';
import { createTemporalClient } from '../data-converter.ts';
import { milliseconds } from '../duration.ts';
import { errorLine } from '../error-text.ts';
import { createLog } from '../log.ts';
import { runOptionsOf } from '../run-options.ts';
import { startWebhook } from '../webhook.ts';
import type { RunOptions } from '../workflows/run-input.ts';
import { CliError } from './failure.ts';
import { listening } from './listening.ts';
import { port } from './up.ts';

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly maxIdle?: string;
}

/** A sender waits for its answer: better a 503 in time, after which it sends again. */
const START_MS = 5_000;

const HELP = `
In the Console, register the address of this server for session.status_run_started, and give its
signing key in ANTHROPIC_WEBHOOK_SIGNING_KEY. Deliveries are account-wide: with ANTHROPIC_ENVIRONMENT_ID
(and a key) only sessions of that environment are started, without it all are. It answers 2xx when the
start is durable, 503 when it is to be sent again; GET /health says that it lives.

Examples:
  ANTHROPIC_WEBHOOK_SIGNING_KEY=whsec_… holdfast webhook --port 8080
  ANTHROPIC_ENVIRONMENT_ID=env_… ANTHROPIC_API_KEY=… holdfast webhook --port 8080 --host 0.0.0.0
`;

export function webhookCommand(): Command {
  return new Command('webhook')
    .description('start the sessions that begin to run, as the API tells of them')
    .requiredOption('--port <port>', 'to listen on; 0 takes a free one', port)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--max-idle <duration>', 'end runs after so long without a new turn; 0: never (default 60s)')
    .addHelpText('after', HELP)
    .action(webhook);
}

async function webhook(flags: Flags): Promise<void> {
  const config = readConfig();
  const idle = flags.maxIdle === undefined ? {} : { maxIdleMs: milliseconds('--max-idle', flags.maxIdle) };
  const options = { ...idle, ...runOptionsOf(config) };
  const { webhookKey } = config.anthropic;
  if (webhookKey === undefined)
    throw new CliError('no signing key: set ANTHROPIC_WEBHOOK_SIGNING_KEY (from the Console, whsec_…)', 2);
  const reader = createWebhookReader(webhookKey);
  const serves = membership(config);
  const log = createLog({ format: config.log });
  const { connection: given, namespace, address } = config.temporal;
  // Not connected yet: a Temporal that is away is a 503, not a webhook that is away as well.
  const connection = Connection.lazy(given);
  const client = createTemporalClient(config, connection);
  try {
    const { port, host } = flags;
    const server = await listening(flags, () =>
      startWebhook({
        ...{ port, host, reader },
        start: id => startWithin(client, id, options, address),
        ...(serves === undefined ? {} : { serves }),
        log: line => log.info(line),
      }),
    );
    const scope = config.anthropic.environmentId ?? 'every environment';
    log.info(`webhook ready at ${server.url}, for sessions of ${scope}; Temporal ${address}/${namespace}`);
    await signalled();
    await server.close();
  } finally {
    await connection.close();
  }
}

async function startWithin(
  client: Client,
  id: string,
  options: Partial<RunOptions>,
  address: string,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + START_MS, () => startSession(client, id, options));
  } catch (error) {
    // Its own message only names the call that failed.
    const cause = error instanceof ServiceError ? (error.cause ?? error) : error;
    throw new Error(`Temporal at ${address} did not take it: ${errorLine(cause)}`);
  }
}

function membership({ anthropic }: Config): ((id: string) => Promise<boolean>) | undefined {
  const { environmentId, apiKey, environmentKey } = anthropic;
  if (environmentId === undefined) return undefined;
  if (apiKey === undefined && environmentKey === undefined)
    throw new CliError('ANTHROPIC_ENVIRONMENT_ID needs a key too: set ANTHROPIC_API_KEY', 2);
  return createMembership(createClient(anthropic), environmentId);
}

/** A second signal does not wait for deliveries that are under way. */
async function signalled(): Promise<void> {
  await new Promise<void>(resolve => {
    const stop = () => resolve();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}
