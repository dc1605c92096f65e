/** What the Temporal UI shows of a run: its current details, and the search attributes that find it. */
import { patched, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import {
  holdfastEnvironment,
  holdfastHeldCalls,
  holdfastHost,
  holdfastOpenCalls,
  holdfastState,
} from '../search-attributes.ts';
import { activeCalls } from '../session/active-calls.ts';
import { lasted } from '../session/lasted.ts';
import { callState, whyOf } from '../session/records.ts';
import type { Call } from '../session/state.ts';
import { oneLine } from '../session/summary.ts';
import type { SessionStatus } from './messages.ts';
import type { Run } from './run.ts';
import { statusOf } from './visible.ts';

const SHOWN = 30;

/** Refreshes both; the search attributes only when the state's word has changed. */
export function show(run: Run): void {
  const status = statusOf(run);
  setCurrentDetails(detailsOf(run, status));
  if (!run.searchAttributes) return;
  const word = wordOf(status);
  const held = status.heldCalls > 0;
  // What waits for a person must be found, also while other calls run.
  if (word === run.shownState && (held === run.shownHeld || !patched('shown-held'))) return;
  run.shownState = word;
  run.shownHeld = held;
  const environment = run.work.held?.item.environmentId;
  upsertSearchAttributes([
    { key: holdfastState, value: word },
    { key: holdfastOpenCalls, value: status.openCalls },
    { key: holdfastHeldCalls, value: status.heldCalls },
    ...(status.host === null ? [] : [{ key: holdfastHost, value: status.host }]),
    ...(environment === undefined ? [] : [{ key: holdfastEnvironment, value: environment }]),
  ]);
}

/** The value of `HoldfastState`. */
function wordOf({ state, stuck, heldCalls, openCalls }: SessionStatus): string {
  if (stuck !== undefined && state !== 'ended') return 'stuck';
  return heldCalls > 0 && openCalls === 0 ? 'held' : state;
}

/** Markdown: how it stands, and a table of what goes on and of the newest calls. */
export function detailsOf(run: Run, status: SessionStatus): string {
  const { calls, forgotten } = run.state;
  // Insertion order is near enough to the calls' own here, and sorting thousands at every change is not cheap.
  const newest = Object.values(calls).slice(-SHOWN).reverse();
  const shown = [...new Set([...activeCalls(run.state).slice(0, SHOWN), ...newest])].slice(0, SHOWN);
  const hidden = Object.keys(calls).length - shown.length + forgotten;
  const { title, stuck, host } = status;
  return [
    ...(title ? [`${cell(title)}`, ''] : []),
    `**${status.state}**${host === null ? '' : ` on ${host}`}, waits for ${cell(status.waitingFor)}`,
    '',
    ...(stuck === undefined
      ? []
      : [`**stuck**: it has waited for ${cell(stuck.what)} since ${clock(Date.parse(stuck.since))} UTC`, '']),
    ...(shown.length === 0 ? ['No calls yet.'] : [...TABLE, ...shown.map(rowOf)]),
    ...(hidden > 0 ? ['', `and ${hidden} other calls`] : []),
  ].join('\n');
}

const TABLE = ['| call | state | seen (UTC) | ran | why |', '|---|---|---|---|---|'];

/** A call is another object once anything of it has changed, and most of those that are shown are over. */
const rows = new WeakMap<Call, string>();

function rowOf(call: Call): string {
  const known = rows.get(call);
  if (known !== undefined) return known;
  const { summary, firstSeenAt } = call;
  const row = `| ${cell(summary)} | ${callState(call)} | ${clock(firstSeenAt)} | ${ran(call)} | ${cell(whyOf(call))} |`;
  rows.set(call, row);
  return row;
}

function ran({ phase, startedAt, finishedAt }: Call): string {
  if (phase.kind === 'running') return `since ${clock(phase.since).slice(-8)}`;
  return startedAt === undefined || finishedAt === undefined ? '' : lasted(finishedAt - startedAt);
}

/** `2026-11-22 00:15:02` */
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

function cell(text: string): string {
  return oneLine(text).replaceAll('|', '\\|').replaceAll('`', "'");
}
