/** What goes on, as it goes on: all sessions that are served, or the calls of one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { SESSION_QUERIES, type SessionRow, sessionRows } from '../client/session-rows.ts';
import type { SessionView } from '../client/session-view.ts';
import { readConfig } from '../config.ts';
import { errorLine } from '../error-text.ts';
import { oneLine } from '../session/summary.ts';
import { timeline } from '../timeline/timeline.ts';
import type { CallDetail } from '../workflows/messages.ts';
import { timelineLines } from './bars.ts';
import { changesIn } from './changes.ts';
import { endWithReader } from './closed-pipe.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { sessionTable } from './list.ts';
import { readSession } from './read-session.ts';
import { openScreen } from './screen.ts';
import { sessionId } from './session-id.ts';
import { statusLines } from './show.ts';
import { callTable } from './table.ts';
import { withTemporal } from './temporal-client.ts';
import { look } from './terminal.ts';

/** Milliseconds between two looks. */
const LOOK_MS = 1_000;
/** Sessions of one list. */
const SESSIONS = 1_000;

const HELP = `
On a terminal a table that is drawn anew; in a pipe, and with --json, one line per change. Ctrl-C ends it.

Examples:
  holdfast watch
  holdfast watch sesn_01ABC
  holdfast watch --json | jq 'select(.state == "stuck")'
`;

export function watchCommand(): Command {
  return new Command('watch')
    .description('follow the sessions that are served, or the calls of one, until Ctrl-C')
    .argument('[session]', 'id of a session')
    .option('--json', 'print one line of JSON per change')
    .addHelpText('after', HELP)
    .action(watch);
}

/** What is watched: read again and again, and told as a table or as changes. */
interface Watched<T> {
  read(before: T | undefined): Promise<T>;
  screen(now: T): string[];
  /** The lines of what is new or other than before. */
  changes(now: T, json: boolean): string[];
}

async function watch(id: string | undefined, { json = false }: { readonly json?: boolean }): Promise<void> {
  endWithReader();
  const session = id === undefined ? undefined : sessionId(id);
  await withTemporal(readConfig(), async client => {
    if (session === undefined) await follow(allSessions(client), json);
    else await follow(oneSession(client, session), json);
  });
}

async function follow<T>(watched: Watched<T>, json: boolean): Promise<void> {
  const signals = catchEndingSignals();
  // Before anything is drawn: what cannot be found is told as every command tells it.
  let now = await watched.read(undefined).catch(error => {
    signals.release();
    throw error;
  });
  const onScreen = process.stdout.isTTY && !json;
  let trouble: string[] = [];
  const draw = () => screen?.draw([...trouble, ...watched.screen(now)]);
  const screen = onScreen ? openScreen(process.stdout, draw) : undefined;
  try {
    for (;;) {
      if (screen !== undefined) draw();
      else for (const line of watched.changes(now, json)) process.stdout.write(`${line}\n`);
      await sleep(LOOK_MS, undefined, { signal: signals.signal }).catch(() => undefined);
      if (signals.signal.aborted) return;
      // An outage is no end of a watch: what goes on will be there after it.
      const read = await watched.read(now).catch((error: unknown) => error as Error);
      const failed = read instanceof Error;
      if (failed && trouble.length === 0 && !onScreen) process.stderr.write(`${errorLine(read)}\n`);
      trouble = failed ? [oneLine(errorLine(read)), ''] : [];
      if (!failed) now = read;
    }
  } finally {
    screen?.end();
    signals.release();
  }
}

function allSessions(client: Client): Watched<readonly SessionRow[]> {
  const changed = changesIn<SessionRow>(row => row.session);
  return {
    read: () => sessionRows(client, SESSION_QUERIES.running, SESSIONS),
    screen: rows => [
      `${rows.length} session${rows.length === 1 ? '' : 's'} served, ${new Date().toISOString().slice(11, 19)}Z; Ctrl-C ends`,
      '',
      ...(rows.length === 0 ? [] : sessionTable(rows).split('\n')),
    ],
    changes(rows, json) {
      const gone = (row: SessionRow): SessionRow => ({
        ...row,
        state: 'ended',
        openCalls: null,
        heldCalls: null,
      });
      return changed(rows, gone).map(row => (json ? JSON.stringify(row) : lineOfSession(row)));
    },
  };
}

function lineOfSession({ session, state, heldCalls, host, title }: SessionRow): string {
  const held = heldCalls === null || heldCalls === 0 ? '' : `, ${heldCalls} held`;
  const named = title === null ? '' : `  ${title}`;
  return `${new Date().toISOString()}  ${session}  ${state}${held}${host === null ? '' : ` on ${host}`}${named}`;
}

function oneSession(client: Client, id: string): Watched<SessionView> {
  const changed = changesIn<CallDetail>(call => call.id);
  const statusChanged = changesIn<object>(() => id);
  return {
    read: before => readSession(client, id, before),
    screen(view) {
      const until = view.endedAt === null ? Date.now() : Date.parse(view.endedAt);
      // What goes on before what is over, and the newest first: the rest may not fit.
      const isOver = ({ state }: CallDetail) => ['settled', 'void'].includes(state);
      const newest = view.calls.toReversed();
      const calls = [...newest.filter(call => !isOver(call)), ...newest.filter(isOver)];
      return [
        ...statusLines(id, view),
        '',
        ...(calls.length === 0 ? ['no calls yet'] : callTable(calls.slice(0, 40)).split('\n')),
        '',
        ...timelineLines(timeline(view.calls.slice(-40), view.status, until), look()),
      ];
    },
    changes({ status, calls }, json) {
      const { state, waitingFor, stuck } = status;
      const now = { session: id, state, waitingFor, ...(stuck === undefined ? {} : { stuck }) };
      const lines = statusChanged([now]).map(each => (json ? JSON.stringify(each) : lineOfStatus(status)));
      return [
        ...lines,
        ...changed(calls).map(call => (json ? JSON.stringify({ session: id, call }) : lineOfCall(call))),
      ];
    },
  };
}

function lineOfStatus({ state, waitingFor, stuck }: SessionView['status']): string {
  const word = stuck === undefined ? state : `${state}, stuck`;
  return `${new Date().toISOString()}  ${word}, waits for ${oneLine(waitingFor)}`;
}

function lineOfCall({ id, state, summary, why }: CallDetail): string {
  return `${new Date().toISOString()}  ${oneLine(id)}  ${state}  ${oneLine(summary)}  (${oneLine(why)})`;
}
