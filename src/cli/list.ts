import { Command, InvalidArgumentError, Option } from 'commander';
import { onHost, SESSION_QUERIES, type SessionRow, sessionRows } from '../client/session-rows.ts';
import { readConfig } from '../config.ts';
import { codesOf, INVALID_ARGUMENT } from '../grpc-error.ts';
import { CliError } from './failure.ts';
import { colour, table } from './table.ts';
import { withTemporal } from './temporal-client.ts';

interface ListFlags {
  readonly all?: boolean;
  readonly held?: boolean;
  readonly stuck?: boolean;
  readonly failed?: boolean;
  readonly host?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function listCommand(): Command {
  return new Command('list')
    .description('list the sessions that are served now')
    .option('--all', 'also those whose run has ended')
    .addOption(only('--held', 'those with calls that wait for an approval'))
    .addOption(only('--stuck', 'those that do not go on by themselves (HOLDFAST_STUCK_AFTER)'))
    .addOption(only('--failed', 'those whose run has failed, or was ended by hand'))
    .option('--host <id>', 'those whose workspace is on this host')
    .option('--limit <n>', 'at most so many', count, 100)
    .option('--json', 'print one line of JSON per session')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast list\n  holdfast list --held\n  holdfast list --all --json',
    )
    .action(list);
}

async function list(flags: ListFlags): Promise<void> {
  await withTemporal(readConfig(), async client => {
    const rows = await sessionRows(client, queryOf(flags), flags.limit).catch(error => {
      throw codesOf(error).includes(INVALID_ARGUMENT) ? new CliError(UNREGISTERED, 1) : error;
    });
    if (flags.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
    else if (rows.length > 0) process.stdout.write(`${sessionTable(rows)}\n`);
    else process.stdout.write(`${noneOf(flags)}\n`);
  });
}

/** One of them at a time. */
function only(flag: string, description: string): Option {
  const others = ['all', 'held', 'stuck', 'failed'].filter(name => `--${name}` !== flag);
  return new Option(flag, description).conflicts(others);
}

function queryOf({ all, held, stuck, failed, host }: ListFlags): string {
  const word = failed ? 'failed' : stuck ? 'stuck' : held ? 'held' : all ? 'all' : 'running';
  return host === undefined ? SESSION_QUERIES[word] : onHost(SESSION_QUERIES[word], host);
}

const UNREGISTERED =
  'this namespace does not know the search attributes that sessions are found by; register them with: holdfast setup';

function noneOf({ all, held, stuck, failed, host }: ListFlags): string {
  const where = host === undefined ? '' : ` on ${host}`;
  if (failed) return `no session has failed${where}`;
  if (stuck) return `no session is stuck${where}`;
  if (held) return `no session has a call that waits for an approval${where}`;
  return all ? `no sessions${where}` : `no session is served now${where} (--all shows ended ones)`;
}

export function sessionTable(rows: readonly SessionRow[]): string {
  const titled = rows.some(row => row.title !== null);
  const head = ['SESSION', 'STATE', 'OPEN', 'HELD', 'HOST', 'STARTED', ...(titled ? ['TITLE'] : [])];
  const cells = rows.map(row => [
    row.session,
    colour(row.state),
    row.openCalls?.toString() ?? '–',
    row.heldCalls?.toString() ?? '–',
    row.host ?? '–',
    row.startedAt,
    ...(titled ? [row.title ?? ''] : []),
  ]);
  return table(head, cells);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return value;
}
