import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { errorLine } from '../error-text.ts';
import { oneLine } from '../session/summary.ts';
import {
  type CallDetail,
  callsQuery,
  type SessionStatus,
  statusQuery,
  WAITS_FOR_HOST,
} from '../workflows/messages.ts';
import { CliError } from './failure.ts';
import { sessionId } from './session-id.ts';
import { callTable, colour } from './table.ts';
import { withTemporal } from './temporal-client.ts';

const QUERY_MS = 10_000;

export function showCommand(): Command {
  return new Command('show')
    .description('show one session: what it waits for, its calls, what was done besides')
    .argument('<session>', 'id of the session')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExamples:\n  holdfast show sesn_01ABC\n  holdfast show sesn_01ABC --json')
    .action(show);
}

async function show(text: string, flags: { readonly json?: boolean }): Promise<void> {
  const id = sessionId(text);
  await withTemporal(readConfig(), async client => {
    const { status, calls } = await read(client, id);
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ ...status, calls })}\n`);
      return;
    }
    const where = status.host === null ? '' : ` on ${status.host}`;
    process.stdout.write(`${id}: ${colour(status.state)}${where}, waits for ${status.waitingFor}\n`);
    if (calls.length > 0) process.stdout.write(`\n${callTable(calls)}\n`);
    for (const { at, what } of status.record) process.stdout.write(`\n${at}  ${oneLine(what)}`);
    process.stdout.write(status.record.length > 0 ? '\n' : '');
  });
}

/** The run itself does not hear of attempts that failed; the server tells, e.g. that the machine is full. */
async function whyNoHost(handle: WorkflowHandle): Promise<string> {
  const { raw } = await handle.describe();
  const opening = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'openWorkspace');
  const message = opening?.lastFailure?.message;
  return message ? ` (${message.replace(/^waiting for a host: /, '')})` : '';
}

async function read(
  client: Client,
  id: string,
): Promise<{ status: SessionStatus; calls: readonly CallDetail[] }> {
  const handle: WorkflowHandle = client.workflow.getHandle(id);
  try {
    return await client.withDeadline(Date.now() + QUERY_MS, async () => {
      // One after the other: a query that is left behind would be tried again on the closed connection.
      const status = await handle.query(statusQuery);
      const calls = await handle.query(callsQuery);
      if (status.waitingFor !== WAITS_FOR_HOST) return { status, calls };
      const why = await whyNoHost(handle);
      return { status: { ...status, waitingFor: `${WAITS_FOR_HOST}${why}` }, calls };
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CliError(`no run of session ${id} is known; start it with: holdfast start ${id}`, 2);
    throw new CliError(
      `cannot ask about ${id}: ${errorLine(error)}; does a worker run? (holdfast worker)`,
      1,
    );
  }
}
