import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { troublesOf } from '../client/pending-work.ts';
import { type SessionView, viewSession } from '../client/session-view.ts';
import { readConfig } from '../config.ts';
import { errorLine } from '../error-text.ts';
import { PayloadKeyError } from '../payload-codec.ts';
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';
import { timeline } from '../timeline/timeline.ts';
import { WAITS_FOR_HOST } from '../workflows/messages.ts';
import { timelineLines } from './bars.ts';
import { CliError } from './failure.ts';
import { sessionId } from './session-id.ts';
import { callTable, colour } from './table.ts';
import { withTemporal } from './temporal-client.ts';
import { look } from './terminal.ts';

export function showCommand(): Command {
  return new Command('show')
    .description('show one session: what it waits for, its calls over time, what was done besides')
    .argument('<session>', 'id of the session')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExamples:\n  holdfast show sesn_01ABC\n  holdfast show sesn_01ABC --json')
    .action(show);
}

async function show(text: string, flags: { readonly json?: boolean }): Promise<void> {
  const id = sessionId(text);
  await withTemporal(readConfig(), async client => {
    const view = await readSession(client, id);
    const { status, calls, pending, endedAt } = view;
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ ...status, waitingFor: waitingFor(view), calls, pending, endedAt })}\n`
        : `${sessionText(id, view)}\n`,
    );
  });
}

/** How it stands, in one line or a few; what does not go as it should is among it. */
export function statusLines(id: string, view: SessionView): string[] {
  const { status, pending } = view;
  const { state, host, title, stuck } = status;
  const where = host === null ? '' : ` on ${host}`;
  return [
    `${id}: ${colour(state)}${where}, waits for ${oneLine(waitingFor(view))}`,
    ...(title ? [`title: ${oneLine(title)}`] : []),
    ...(stuck === undefined
      ? []
      : [
          `${colour('stuck')}: it has waited for ${oneLine(stuck.what)} for ${lasted(Date.now() - Date.parse(stuck.since))}`,
        ]),
    ...troublesOf(pending),
  ];
}

/** The whole of it, in blocks that are an empty line apart. */
function sessionText(id: string, view: SessionView): string {
  const { status, calls, endedAt } = view;
  const until = endedAt === null ? Date.now() : Date.parse(endedAt);
  const blocks = [
    statusLines(id, view),
    calls.length > 0 ? [callTable(calls)] : [],
    timelineLines(timeline(calls, status, until), look()),
    status.record.map(({ at, what }) => `${at}  ${oneLine(what)}`),
  ];
  return blocks.flatMap(lines => (lines.length > 0 ? [lines.join('\n')] : [])).join('\n\n');
}

/** The run itself does not hear of attempts that failed; the server tells, e.g. that the machine is full. */
function waitingFor({ status, pending }: SessionView): string {
  if (status.waitingFor !== WAITS_FOR_HOST) return status.waitingFor;
  const why = pending.find(({ type }) => type === 'openWorkspace')?.failure;
  return why ? `${WAITS_FOR_HOST} (${why.replace(/^waiting for a host: /, '')})` : WAITS_FOR_HOST;
}

/** @throws CliError: 2 Temporal knows no run of it, 1 nobody answers. */
export async function readSession(client: Client, id: string, known?: SessionView): Promise<SessionView> {
  const view = await viewSession(client, id, known).catch(error => {
    const hint = error instanceof PayloadKeyError ? '' : '; does a worker run? (holdfast worker)';
    throw new CliError(`cannot ask about ${id}: ${errorLine(error)}${hint}`, 1);
  });
  if (view !== undefined) return view;
  throw new CliError(`no run of session ${id} is known; start it with: holdfast start ${id}`, 2);
}
