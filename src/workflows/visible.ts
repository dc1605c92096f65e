/** What people see of a run: the answers to queries, and the final summary (I8). */
import { activeCalls, countOpen } from '../session/active-calls.ts';
import { callTimes, iso } from '../session/call-times.ts';
import { allCalls, callState, whyOf } from '../session/records.ts';
import { type Call, isHeld, pendingCalls } from '../session/state.ts';
import { oneLine } from '../session/summary.ts';
import {
  type CallDetail,
  type CallRecord,
  type CallsAfter,
  type CallsPage,
  type RunResult,
  type SessionStatus,
  WAITS_FOR_HOST,
} from './messages.ts';
import type { Run } from './run.ts';

function callRecord(call: Call): CallRecord {
  return {
    id: call.id,
    name: call.name,
    state: callState(call),
    isError: call.isError,
    posted: call.phase.kind === 'settled' && call.phase.how === 'posted',
    startedAt: iso(call.startedAt) ?? null,
    finishedAt: iso(call.finishedAt) ?? null,
    attempts: call.starts,
  };
}

export function callDetail(call: Call): CallDetail {
  return {
    ...callRecord(call),
    type: call.type,
    summary: call.summary,
    why: whyOf(call),
    thread: call.thread,
    confirmation: call.permission === 'deny' ? 'deny' : (call.verdict ?? null),
    place: call.place ?? null,
    ...callTimes(call),
  };
}

export function callDetails(run: Run): CallDetail[] {
  const details = allCalls(run.state).map(callDetail);
  // What is over matters least, and of what waits the last.
  const over = (call: CallDetail) => ['settled', 'void'].includes(call.state);
  const byWorth = [...details.filter(call => !over(call)), ...details.filter(over).reverse()];
  const shown = new Set(fitting(byWorth));
  return details.filter(call => shown.has(call));
}

export function resultOf(run: Run, state: RunResult['state'], reason: string): RunResult {
  return {
    session: run.sessionId,
    state,
    reason,
    host: run.workspace?.host ?? null,
    calls: newest(allCalls(run.state).map(callDetail)),
    places: run.state.places ?? 0,
    record: run.record,
    interrupts: interruptsOf(run),
  };
}

/** Characters of calls in an answer: one of 2 MB would fail the run or the query that it belongs to (I11). */
const ANSWER_CHARS = 1_500_000;

function newest(calls: readonly CallDetail[]): readonly CallDetail[] {
  return fitting(calls.toReversed()).reverse();
}

/** As many of the first as an answer holds. */
export function fitting<T>(calls: readonly T[]): T[] {
  let room = ANSWER_CHARS;
  const end = calls.findIndex(call => {
    room -= JSON.stringify(call).length + 1;
    return room < 0;
  });
  return calls.slice(0, end === -1 ? calls.length : end);
}

/** A question may come from anybody: what makes no sense of it is read as the first one. */
export function callsAfter(run: Run, asked: Partial<CallsAfter> | undefined): CallsPage {
  const from = Number.isFinite(asked?.place) ? Number(asked?.place) : 0;
  const limit = Number(asked?.limit) > 0 ? Number(asked?.limit) : CALLS_AT_ONCE;
  const { calls, places = 0 } = run.state;
  const behind = Object.values(calls)
    .filter(({ place = 0 }) => place > from)
    .sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  const told = fitting(behind.slice(0, limit).map(callDetail));
  const more = told.length < behind.length;
  return {
    calls: told,
    next: more ? (told.at(-1)?.place ?? from) : Math.max(from, places),
    more,
    missing: Math.max(0, places - from) - behind.length,
    state: stateWord(run),
    underWay: countOpen(run.state),
  };
}

const CALLS_AT_ONCE = 200;

function interruptsOf({ state }: Run): { at: string; thread: string | null }[] {
  return state.interrupts.map(({ order, thread }) => ({ at: order.stamp, thread }));
}

export function statusOf(run: Run): SessionStatus {
  const calls = activeCalls(run.state);
  return {
    session: run.sessionId,
    state: stateWord(run),
    waitingFor: waitingFor(run),
    host: run.workspace?.host ?? null,
    openCalls: countOpen(run.state),
    heldCalls: calls.filter(isHeld).length,
    unownedCalls: calls.filter(call => call.owned === false).length,
    settledCalls: Object.keys(run.state.calls).length - run.state.pending.length + run.state.forgotten,
    record: run.record,
    title: run.title,
    startedAt: new Date(run.startedAt).toISOString(),
    ...(run.stuck === undefined
      ? {}
      : { stuck: { since: new Date(run.stuck.since).toISOString(), what: run.stuck.what } }),
    interrupts: interruptsOf(run),
  };
}

function stateWord(run: Run): SessionStatus['state'] {
  if (run.over !== undefined || run.failure !== undefined || run.state.ended !== undefined) return 'ended';
  if (run.state.stop !== undefined) return 'stopping';
  if (!run.state.listed) return 'starting';
  return run.window === undefined ? 'running' : 'idle';
}

function waitingFor(run: Run): string {
  const calls = activeCalls(run.state);
  const held = calls.filter(isHeld);
  const running = calls.filter(call => call.phase.kind === 'running');
  if (run.state.ended !== undefined) return 'nothing: the session has ended';
  if (run.failure !== undefined) return 'nothing: the run has failed';
  if (run.over !== undefined) return `nothing: the run has ended (${run.over})`;
  if (run.work.held?.acked === false) return 'the acknowledgement of its work item';
  if (!run.state.listed) return 'the session’s history';
  if (run.lostHost !== undefined) return `another host: nobody on ${run.lostHost} asks for work`;
  if (running.length > 0) return `${running.length} running: ${some(running.map(call => call.summary))}`;
  if (calls.some(call => call.phase.kind === 'finished')) return 'results to be posted';
  if (run.opening !== undefined) return WAITS_FOR_HOST;
  if (held.length > 0) return `an approval of ${some(held.map(call => call.summary))}`;
  const rest = pendingCalls(run.state);
  if (rest.length > 0) return `other clients: ${some(rest.map(call => oneLine(call.name)))}`;
  return run.window === undefined ? 'the agent' : `the next turn, ${run.options.maxIdleMs / 1000} s at most`;
}

/** The first few: the line is shown in one row. */
function some(names: readonly string[]): string {
  const more = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

const NAMED = 8;
