/** `holdfast setup`: makes a Temporal namespace ready, and says what it did. */
import { Command } from 'commander';
import { type Config, readConfig } from '../config.ts';
import { reachTemporal } from '../doctor/reach.ts';
import { errorLine } from '../error-text.ts';
import { SetupError, type SetupReport, setUp } from '../setup.ts';
import { durationOf } from './duration-option.ts';
import { CliError } from './failure.ts';
import { mark } from './table.ts';

interface Flags {
  readonly namespace?: string;
  readonly retention?: number;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;

const HELP = `
Registers the search attributes by which \`holdfast list\` and Temporal's UI show sessions. With --namespace it makes
the namespace where there is none. Running it again changes nothing.

Examples:
  holdfast setup
  TEMPORAL_ADDRESS=temporal:7233 holdfast setup --namespace agents --retention 30d
`;

export function setupCommand(): Command {
  return new Command('setup')
    .description('make a Temporal namespace ready: search attributes, and the namespace itself where asked')
    .option(
      '--namespace <name>',
      'make this namespace if it is not there (default: TEMPORAL_NAMESPACE, not made)',
    )
    .option(
      '--retention <duration>',
      'how long it keeps ended runs, a day at least (a new one: 30d)',
      durationOf('--retention'),
    )
    .option('--json', 'print one line of JSON')
    .addHelpText('after', HELP)
    .action(setup);
}

async function setup({ namespace, retention, json }: Flags): Promise<void> {
  const config = readConfig();
  if (retention !== undefined && retention < DAY_MS)
    throw new CliError('--retention is too short: a server keeps ended runs for a day at least (1d)', 2);
  const report = await prepared(config, namespace, retention);
  const { searchAttributes } = report;
  if (searchAttributes.kind === 'refused') process.exitCode = 1;
  const { address } = config.temporal;
  process.stdout.write(json ? `${JSON.stringify({ address, ...report })}\n` : `${textOf(report, address)}\n`);
}

async function prepared(config: Config, namespace: string | undefined, retentionMs: number | undefined) {
  const reached = await reachTemporal(config.temporal);
  if (reached.kind === 'not-reached')
    throw new CliError(`${reached.finding.found}: ${reached.finding.mend}`, 1);
  const { connection } = reached;
  try {
    return await setUp(connection, {
      namespace: namespace ?? config.temporal.namespace,
      create: namespace !== undefined,
      retentionMs,
    });
  } catch (error) {
    if (error instanceof SetupError) throw new CliError(error.message, 1);
    const { details } = error as { details?: string };
    throw new CliError(
      `cannot use Temporal at ${config.temporal.address}: ${details || errorLine(error)}`,
      1,
    );
  } finally {
    await connection.close();
  }
}

function textOf(report: SetupReport, address: string): string {
  const { namespace, namespaceWas, retentionMs, retentionBeforeMs, searchAttributes } = report;
  const kept = `it keeps ended runs for ${days(retentionMs)}`;
  const changed = retentionBeforeMs === null ? kept : `${kept} (was ${days(retentionBeforeMs)})`;
  const lines = [
    `${mark('ok')} namespace ${namespace} on ${address} ${namespaceWas === 'made' ? 'was made' : 'is there'}, ${changed}`,
  ];
  switch (searchAttributes.kind) {
    case 'registered':
      lines.push(`${mark('ok')} search attributes: registered ${searchAttributes.added.join(', ')}`);
      break;
    case 'present':
      lines.push(`${mark('ok')} search attributes: all registered already`);
      break;
    case 'refused':
      lines.push(
        `${mark('broken')} search attributes: ${searchAttributes.reason}; missing: ${searchAttributes.missing.join(', ')}`,
      );
      break;
  }
  return lines.join('\n');
}

function days(ms: number): string {
  const n = Math.round((ms / DAY_MS) * 10) / 10;
  return `${n} day${n === 1 ? '' : 's'}`;
}
