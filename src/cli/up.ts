import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config.ts';
import { consoleBeside } from '../console.ts';
import { embeddedServer, onlyHost, withServer } from '../embedded-server.ts';
import { createLog } from '../log.ts';
import { ROLES, startWorker } from '../worker.ts';
import { checkSettings } from '../worker-preparation.ts';
import { readyLine, untilSignalled } from './worker.ts';

const PORT = 7233;

interface UpFlags {
  readonly port: number;
  readonly uiPort: number;
  readonly console: boolean;
  readonly verbose?: boolean;
}

export function upCommand(): Command {
  return new Command('up')
    .description('run everything in the foreground: a Temporal server with its UI, a worker, the console')
    .option('--port <port>', 'of the Temporal server', port, PORT)
    .option('--ui-port <port>', 'of its web UI', port, 8233)
    .option('--no-console', 'without the console (its port: HOLDFAST_CONSOLE_PORT)')
    .option('--verbose', 'log what Temporal does as well')
    .addHelpText(
      'after',
      '\nA server that TEMPORAL_ADDRESS names is used instead of an own one.\n\nExamples:\n' +
        '  ANTHROPIC_API_KEY=… holdfast up\n  HOLDFAST_TOOLS=./tools.ts holdfast up --ui-port 9000',
    )
    .action(up);
}

async function up(flags: UpFlags): Promise<void> {
  const config = readConfig();
  const log = createLog({ format: config.log, verbose: flags.verbose });
  // Before a server is found, which may have to be built.
  await checkSettings(config);
  const server = await embeddedServer(config, { port: flags.port, ui: flags.uiPort });
  try {
    if (server.uiAddress !== undefined) log.info(`Temporal's web UI: ${server.uiAddress}`);
    if (server.uiAddress !== undefined && flags.port !== PORT)
      log.info(`for other terminals: export TEMPORAL_ADDRESS=${server.address}`);
    const serving = withServer(config, server);
    const worker = await startWorker(onlyHost(serving), ROLES, log, { reload: true });
    log.info(readyLine(serving, ROLES, worker));
    const shown = flags.console ? await consoleBeside(serving, log, server.uiAddress) : undefined;
    try {
      await untilSignalled(worker);
    } finally {
      await shown?.close();
    }
  } finally {
    await server.close();
  }
}

export function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}
