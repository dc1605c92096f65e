/** Opens the session's workspace, once for all calls that want it, and finds another host for it (§4). */
import { CancellationScope, condition, upsertMemo } from '@temporalio/workflow';
import type { OpenWorkspaceResult } from '../activities/open-workspace.ts';
import { openWorkspaceOn } from './activities.ts';
import { barStarted } from './lost-calls.ts';
import { WAITS_FOR_HOST } from './messages.ts';
import { foundNoTaker } from './no-taker.ts';
import type { Run } from './run.ts';
import type { Workspace } from './run-input.ts';
import { waitedFor } from './stuck.ts';

/** Attaches to the session's tool host or starts it; every caller of the moment shares one activity. */
export function openWorkspace(run: Run): Promise<Workspace> {
  return shared(run, async () => {
    const known = run.workspace;
    const result = known === null ? await openFirst(run) : await openOrTakeOver(run, known);
    return result === undefined ? (run.workspace as Workspace) : settleOn(run, result);
  });
}

/** After a call found its host gone: unless another call has brought it back meanwhile. */
export async function reopenWorkspace(run: Run, lost: Workspace, why: string): Promise<Workspace> {
  const found = foundSince(run, lost);
  if (found !== undefined) return found;
  run.note(`the tool host does not answer: ${why}`);
  return openWorkspace(run);
}

/**
 * After nobody took a call from its host's queue for `hostLostMs`: the session goes to any host, once no call of
 * it is attached to the old one any more.
 *
 * @returns where the session is now; the same workspace if its host has come back.
 */
export function takeOver(run: Run, lost: Workspace): Promise<Workspace> {
  const found = foundSince(run, lost);
  if (found !== undefined) return Promise.resolve(found);
  run.workspaceOpen = false;
  return shared(run, async () => {
    const result = await openAnywhere(run, lost);
    if (result === undefined) return lost;
    return settleOn(run, result);
  });
}

/** Another workspace than `lost`, which another call has opened meanwhile. */
function foundSince({ workspace }: Run, lost: Workspace): Workspace | undefined {
  return workspace !== null && workspace.incarnation !== lost.incarnation ? workspace : undefined;
}

function shared(run: Run, work: () => Promise<Workspace>): Promise<Workspace> {
  if (run.opening !== undefined) return run.opening;
  const scope = new CancellationScope();
  run.openingScope = scope;
  run.opening = waitedFor(run, WAITS_FOR_HOST, scope.run(work)).finally(() => {
    run.opening = undefined;
    run.openingScope = undefined;
    run.lostHost = undefined;
    run.touch();
  });
  return run.opening;
}

/** Skills and memory stores are mounted for a work item only, as its credential is what they are read with. */
function itemOf(run: Run) {
  run.work.mounting();
  return run.work.held === undefined ? run.session : { ...run.session, mounts: true as const };
}

async function openOn(run: Run, host: string | null): Promise<OpenWorkspaceResult> {
  const { hostLostMs = 0, incarnation = null } = run.workspace ?? {};
  const answer = await openWorkspaceOn(host, hostLostMs)({ ...itemOf(run), expected: incarnation });
  if ('openedBefore' in answer) throw new Error('a workspace that is known was opened as if it were not');
  return answer;
}

/** A run that was reset may have opened one: its calls must not start again on another host (I4). */
async function openFirst(run: Run): Promise<OpenWorkspaceResult | undefined> {
  const { lookedUpBy } = run;
  const answer = await openWorkspaceOn(null, 0)({ ...itemOf(run), expected: null, lookedUpBy });
  if (!('openedBefore' in answer)) return answer;
  const { runId, ...workspace } = answer.openedBefore;
  run.note(`this run was reset: the session has its workspace on ${workspace.host}`);
  run.workspace = workspace;
  run.previous = { runId };
  return openOrTakeOver(run, workspace);
}

async function openOrTakeOver(run: Run, known: Workspace): Promise<OpenWorkspaceResult | undefined> {
  try {
    return await openOn(run, known.host);
  } catch (error) {
    if (!foundNoTaker(error)) throw error;
    return openAnywhere(run, known);
  }
}

/** What a heartbeat timeout and a late hand-over add to `hostLostMs` before a call's wait in the queue is over. */
const MARGIN_MS = 30_000;

/** @returns undefined when a call is attached to the old host after all: then it lives. */
async function openAnywhere(run: Run, lost: Workspace): Promise<OpenWorkspaceResult | undefined> {
  const { hostLostMs = 0 } = lost;
  run.workspaceOpen = false;
  run.lostHost = lost.host;
  run.note(`nobody on ${lost.host} has asked for work for ${hostLostMs / 1000} s: it is held for lost`);
  const none = await condition(() => run.attached === 0, hostLostMs + MARGIN_MS, {
    summary: 'every call must have lost its host before another takes over',
  });
  if (none) return openOn(run, null);
  run.note(`${lost.host} is back: a call of the session is attached there`);
  run.workspaceOpen = true;
  return undefined;
}

async function settleOn(run: Run, result: OpenWorkspaceResult): Promise<Workspace> {
  const { workspace } = result;
  const old = run.workspace;
  for (const note of result.notes) run.note(note);
  run.note(`${HOW[result.how]} on ${workspace.host}`);
  if (old !== null && old.incarnation !== workspace.incarnation) {
    run.fold({ type: 'moved', to: old.host === workspace.host ? 'same-host' : 'other-host' });
    await barStarted(run);
  }
  run.previous = undefined;
  run.workspace = workspace;
  run.workspaceOpen = true;
  const { host, incarnation, hostLostMs = 0 } = workspace;
  upsertMemo({ host, incarnation, hostLostMs, startedBy: null });
  // Judges every unstarted call anew: the host may have loaded another module than `describeTools` knew (§4).
  run.fold({ type: 'tools', tools: result.tools });
  return workspace;
}

const HOW = {
  attached: 'attached to the tool host',
  started: 'started the tool host on its journal',
  restarted: 'restarted the tool host on its journal',
  new: 'started a new tool host',
} as const;
