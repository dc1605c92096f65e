import type { WorkflowExecutionInfo } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
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
    const query = `WorkflowType = 'runSession'${flags.all ? '' : " AND ExecutionStatus = 'Running'"}`;
    const rows: Row[] = [];
    for await (const info of client.workflow.list({ query })) {
      if (info.status.name === 'CONTINUED_AS_NEW') continue;
      rows.push(rowOf(info));
      if (rows.length >= flags.limit) break;
    }
    if (flags.json) {
      for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
      return;
    }
    if (rows.length === 0) {
      process.stdout.write(
        flags.all ? 'no sessions\n' : 'no session is served now (--all shows ended ones)\n',
      );
      return;
    }
    const head = ['SESSION', 'STATE', 'OPEN', 'HELD', 'HOST', 'STARTED'];
    const cells = rows.map(row => [
      row.session,
      colour(row.state),
      row.openCalls?.toString() ?? '–',
      row.heldCalls?.toString() ?? '–',
      row.host ?? '–',
      row.startedAt,
    ]);
    process.stdout.write(`${table(head, cells)}\n`);
  });
}

interface Row {
  readonly session: string;
  readonly state: string;
  readonly openCalls: number | null;
  readonly heldCalls: number | null;
  readonly host: string | null;
  readonly startedAt: string;
}

/** Without registered search attributes only Temporal's own status is known. */
function rowOf(info: WorkflowExecutionInfo): Row {
  const running = info.status.name === 'RUNNING';
  const attribute = (name: string) => info.searchAttributes[name]?.[0];
  const number = (name: string) => {
    const value = running ? attribute(name) : undefined;
    return typeof value === 'number' ? value : null;
  };
  const host = attribute('HoldfastHost') ?? info.memo?.host;
  return {
    session: info.workflowId,
    state: running ? String(attribute('HoldfastState') ?? 'running') : info.status.name.toLowerCase(),
    openCalls: number('HoldfastOpenCalls'),
    heldCalls: number('HoldfastHeldCalls'),
    host: typeof host === 'string' ? host : null,
    startedAt: info.startTime.toISOString(),
  };
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return value;
}
