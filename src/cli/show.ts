import { Command } from 'commander';
import { troublesOf } from '../client/pending-work.ts';
import type { SessionView } from '../client/session-view.ts';
import { readConfig } from '../config.ts';
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';
import { timeline } from '../timeline/timeline.ts';
import { WAITS_FOR_HOST } from '../workflows/messages.ts';
import { timelineLines } from './bars.ts';
import { readSession } from './read-session.ts';
import { sessionId } from './session-id.ts';
import { showCall } from './show-call.ts';
import { callTable, colour } from './table.ts';
import { withTemporal } from './temporal-client.ts';
import { look } from './terminal.ts';

interface Flags {
  readonly json?: boolean;
}

const HELP = `
A call's input and result are read from its history in Temporal, for as long as that is kept.

Examples:
  holdfast show sesn_01ABC
  holdfast show sesn_01ABC sevt_01DEF
  holdfast show sesn_01ABC --json
`;

export function showCommand(): Command {
  return new Command('show')
    .description(
      'show one session (what it waits for, its calls over time), or one call (its input and its result)',
    )
    .argument('<session>', 'id of the session')
    .argument('[call]', 'id of a call, or the beginning or the end of one')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', HELP)
    .action(show);
}

async function show(text: string, call: string | undefined, flags: Flags): Promise<void> {
  const id = sessionId(text);
  await withTemporal(readConfig(), async client => {
    if (call !== undefined) {
      process.stdout.write(`${await showCall(client, id, call, flags.json ?? false)}\n`);
      return;
    }
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
