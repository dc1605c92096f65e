import { Command, InvalidArgumentError } from 'commander';
import { SESSION_QUERIES, type SessionRow, sessionRows } from '../client/session-rows.ts';
import { readConfig } from '../config.ts';
import { colour, table } from './table.ts';
import { withTemporal } from './temporal-client.ts';

interface ListFlags {
  readonly all?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

export function listCommand(): Command {
  return new Command('list')
    .description('list the sessions that are served now')
    .option('--all', 'also those whose run has ended')
    .option('--limit <n>', 'at most so many', count, 100)
    .option('--json', 'print one line of JSON per session')
    .addHelpText('after', '\nExamples:\n  holdfast list\n  holdfast list --all --json')
    .action(list);
}

async function list(flags: ListFlags): Promise<void> {
  await withTemporal(readConfig(), async client => {
    const query = SESSION_QUERIES[flags.all ? 'all' : 'running'];
    const rows = await sessionRows(client, query, flags.limit);
    if (flags.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
    else if (rows.length > 0) process.stdout.write(`${sessionTable(rows)}\n`);
    else
      process.stdout.write(
        flags.all ? 'no sessions\n' : 'no session is served now (--all shows ended ones)\n',
      );
  });
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

export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return value;
}
