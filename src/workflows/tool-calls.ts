/** Carries out what `nextStep` says of calls: run, stop, post. Each step is recorded before it is awaited. */

import { isCancellation } from '@temporalio/workflow';
import type { RunToolResult } from '../activities/run-tool.ts';
import type { Fact } from '../session/facts.ts';
import { replyOf } from '../session/reply.ts';
import { type Call, callOf } from '../session/state.ts';
import { postResultsFor, postStoredOn, readCalls, runToolFor, stopCallsOn } from './activities.ts';
import { answerLost } from './lost-calls.ts';
import { count } from './metrics.ts';
import { foundNoTaker, hadReachedItsHost } from './no-taker.ts';
import { unknownCall } from './notice.ts';
import type { Run } from './run.ts';
import type { Workspace } from './run-input.ts';
import { waitedFor } from './stuck.ts';
import { reopenWorkspace, takeOver } from './workspace.ts';

/** Starts the calls. */
export function runCalls(run: Run, ids: readonly string[]): void {
  run.fold(...ids.map(id => ({ type: 'started', id }) as const));
  for (const id of ids) follow(run, runCall(run, id, false));
}

/** Waits for calls that the run before this one had started. */
export function attachCalls(run: Run, ids: readonly string[]): void {
  for (const id of ids) run.fold(attachedAgain(id));
  for (const id of ids) follow(run, runCall(run, id, true));
}

/** @param touched whether the call may have reached its tool host already (I4). */
async function runCall(run: Run, id: string, touched: boolean): Promise<void> {
  let mayHaveRun = touched;
  for (;;) {
    const call = callOf(run.state, id);
    const workspace = run.workspace;
    if (call === undefined || workspace === null) return;
    const result = await attempt(run, call, workspace);
    if (result.kind === 'outcome') {
      const { outcome, attempt = 1, attemptSince } = result;
      run.fold(
        ...(attempt > 1 ? [attachedAgain(id, attempt - 1, attemptSince)] : []),
        ...[{ type: 'finished', id, outcome } as const],
      );
      return;
    }
    if (result.kind === 'refused') {
      run.note(`${id} was not run: ${result.reason}`);
      const tools = (run.state.tools ?? []).filter(tool => tool.name !== call.name);
      run.fold({ type: 'unstarted', id }, { type: 'tools', tools });
      return;
    }
    mayHaveRun ||= result.touched;
    const found =
      result.kind === 'no-taker'
        ? await takeOver(run, workspace)
        : await reopenWorkspace(run, workspace, result.reason);
    if (!(await isToAttach(run, id, workspace, found, mayHaveRun, result.reason))) return;
  }
}

interface NoTaker {
  readonly kind: 'no-taker';
  readonly reason: string;
  readonly touched: boolean;
}

async function attempt(run: Run, call: Call, workspace: Workspace): Promise<RunToolResult | NoTaker> {
  run.attached++;
  try {
    const input = { ...run.session, workspace, call: told(call) };
    return await runToolFor(call, workspace)(input);
  } catch (error) {
    if (!foundNoTaker(error)) throw error;
    return { kind: 'no-taker', reason: 'its host was held for lost', touched: hadReachedItsHost(error) };
  } finally {
    run.attached--;
    run.touch();
  }
}

function told(call: Call) {
  const { id, type, name, processedAt } = call;
  const input = call.inputRef === undefined ? { input: call.input } : {};
  const { timeoutMs = 0, idempotent = false } = call;
  return { id, type, name, ...input, processedAt, timeoutMs, idempotent };
}

/**
 * The call's tool host was gone. On the same incarnation its journal decides, so the call is attached again; on
 * a new one a call that may have reached the old one is answered with what is known (I4).
 */
async function isToAttach(
  run: Run,
  id: string,
  lost: Workspace,
  found: Workspace,
  mayHaveRun: boolean,
  reason: string,
): Promise<boolean> {
  const call = callOf(run.state, id);
  if (call?.phase.kind !== 'running') return false;
  if (mayHaveRun && found.incarnation !== lost.incarnation) {
    answerLost(run, call, lost, found);
    return false;
  }
  if (call.halt !== undefined || call.stopSent) {
    // Barred from starting first: the stop that was sent met no host.
    await stopOn(run, found, [id], 'it was to be stopped when its tool host was lost');
  }
  run.note(`${id} is attached again: ${reason}`);
  run.fold(attachedAgain(id));
  return true;
}

function attachedAgain(id: string, times = 1, at = Date.now()): Fact {
  return { type: 'reattached', id, times, at };
}

/** Ends the tools of these calls; their own `runTool` brings the outcomes. */
export function stopCalls(run: Run, ids: readonly string[], reason: string): void {
  run.fold({ type: 'stopping', ids });
  const workspace = run.workspace;
  if (workspace === null) return;
  follow(run, stopOn(run, workspace, ids, reason));
}

/** A lost host's tools are ended by its fence; whoever takes over answers their calls. */
async function stopOn(run: Run, workspace: Workspace, ids: readonly string[], reason: string): Promise<void> {
  try {
    const input = { sessionId: run.sessionId, workspace, ids, reason };
    const { notes } = await stopCallsOn(workspace, reason)(input);
    for (const note of notes) run.note(note);
  } catch (error) {
    if (!foundNoTaker(error)) throw error;
    run.note(`nobody on ${workspace.host} took the stop of ${ids.join(', ')}`);
  }
  run.touch();
}

/** Posts all that is ready in one request; a failed post never runs a tool again (I5). */
export function postResults(run: Run, ids: readonly string[]): void {
  run.fold({ type: 'posting', ids });
  const calls = ids.flatMap(id => callOf(run.state, id) ?? []);
  const results = calls.flatMap(call => {
    const reply = replyOf(call);
    const { id, type, firstSeenAt, processedAt } = call;
    return reply === undefined ? [] : [{ id, type, firstSeenAt, processedAt, ...reply }];
  });
  const unknown = calls.flatMap(call => unknownCall(call) ?? []);
  followPost(
    run,
    postResultsFor(calls)({ ...run.session, results }).then(dispositions => {
      const posted = new Set(dispositions.flatMap(({ id, kind }) => (kind === 'posted' ? [id] : [])));
      const reported = unknown.filter(({ call }) => posted.has(call));
      count('unknown', reported.length);
      run.notices.reported(reported);
      run.fold(
        ...dispositions.map(({ kind, ...rest }) => ({ ...rest, type: 'delivered', how: kind }) as const),
      );
    }),
  );
}

/** A result too large for the history is posted from the host whose journal holds it (§2.5). */
export function postStored(run: Run, id: string): void {
  run.fold({ type: 'posting', ids: [id] });
  const call = callOf(run.state, id);
  const workspace = run.workspace;
  if (call === undefined || workspace === null) return;
  const { type, firstSeenAt, processedAt } = call;
  followPost(
    run,
    postStoredOn(
      workspace,
      call,
    )({ ...run.session, workspace, call: { id, type, firstSeenAt, processedAt } }).then(
      ({ kind, ...rest }) => run.fold({ ...rest, type: 'delivered', how: kind }),
      error => {
        if (!foundNoTaker(error)) throw error;
        run.note(`${id} ran to its end, but its output is lost with ${workspace.host}`);
        run.fold({ type: 'output-lost', id });
      },
    ),
  );
}

/** §2.7: the server's word corrects ours. */
export function recheck(
  run: Run,
  step: {
    readonly idleId: string;
    readonly unknown: readonly string[];
    readonly believedPosted: readonly string[];
  },
): void {
  const { idleId, unknown, believedPosted } = step;
  run.fold({ type: 'rechecked', idleId, foreign: [] });
  const ids = [...unknown, ...believedPosted];
  follow(
    run,
    waitedFor(run, 'what the server waits for', readCalls({ ...run.session, ids })).then(({ events }) => {
      const found = new Set(events.flatMap(event => ('name' in event ? [event.id] : [])));
      const answered = new Set(events.flatMap(event => ('tool_use_id' in event ? [event.tool_use_id] : [])));
      const undelivered = believedPosted.filter(id => !answered.has(id));
      for (const id of undelivered) run.note(`${id} is posted again: the server has no result of it`);
      run.fold(
        ...events,
        { type: 'listed' },
        { type: 'rechecked', idleId, foreign: unknown.filter(id => !found.has(id)) },
        ...undelivered.map(id => ({ type: 'undelivered', id }) as const),
      );
    }),
  );
}

/** What must come to its end before the run continues as new. */
export function followPost(run: Run, work: Promise<void>): void {
  run.posts++;
  follow(
    run,
    waitedFor(run, 'the API to take what is posted', work).finally(() => {
      run.posts--;
      run.touch();
    }),
  );
}

/** What is not an outcome is a fault of ours or of the cluster: it fails the run in the open. */
export function follow(run: Run, work: Promise<void>): void {
  work.catch(error => {
    if (!isCancellation(error)) run.fail(error);
  });
}
