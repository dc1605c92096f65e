/** Opens the session's workspace, once for all calls that want it (§4). */
import { upsertMemo } from '@temporalio/workflow';
import { openWorkspaceOn } from './activities.ts';
import type { Run } from './run.ts';
import type { Workspace } from './run-input.ts';

/** Attaches to the session's tool host or starts it; every caller of the moment shares one activity. */
export function openWorkspace(run: Run): Promise<Workspace> {
  run.opening ??= open(run).finally(() => {
    run.opening = undefined;
  });
  return run.opening;
}

/** After a call found its host gone: unless another call has brought it back meanwhile. */
export async function reopenWorkspace(run: Run, lost: Workspace, why: string): Promise<Workspace> {
  if (run.workspace !== null && run.workspace.incarnation !== lost.incarnation) return run.workspace;
  run.note(`the tool host does not answer: ${why}`);
  return openWorkspace(run);
}

async function open(run: Run): Promise<Workspace> {
  const known = run.workspace;
  const result = await openWorkspaceOn(known?.host ?? null)({
    sessionId: run.sessionId,
    expected: known?.incarnation ?? null,
  });
  for (const note of result.notes) run.note(note);
  run.note(`${HOW[result.how]} on ${result.workspace.host}`);
  run.workspace = result.workspace;
  run.workspaceOpen = true;
  upsertMemo({ host: result.workspace.host, incarnation: result.workspace.incarnation });
  // Judges every unstarted call anew: the host may have loaded another module than `describeTools` knew (§4).
  run.fold({ type: 'tools', tools: result.tools });
  return result.workspace;
}

const HOW = {
  attached: 'attached to the tool host',
  started: 'started the tool host on its journal',
  restarted: 'restarted the tool host on its journal',
  new: 'started a new tool host',
} as const;
