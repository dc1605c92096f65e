/** `runSession`: one session's tool calls, from its first event to its end (design §2, §6). */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { nextStep } from '../session/next-step.ts';
import { pendingCalls } from '../session/state.ts';
import { confirmCall, denyOverdue } from './approvals.ts';
import { continueAsNew } from './continue-as-new.ts';
import { watchDeadlines } from './deadlines.ts';
import { close, endingOf, FailedRun, failed, finish } from './ending.ts';
import { handleMessages } from './handlers.ts';
import { show } from './inspector.ts';
import type { RunResult } from './messages.ts';
import { countCalls } from './metrics.ts';
import { keepTelling } from './notices.ts';
import { Run } from './run.ts';
import type { RunSessionInput } from './run-input.ts';
import { serve } from './serving.ts';
import { watchStuck } from './stuck.ts';
import { attachCalls, follow, postResults, postStored, recheck, runCalls, stopCalls } from './tool-calls.ts';
import { failItem, keepWork } from './work-item-keeping.ts';
import { openWorkspace } from './workspace.ts';

export async function runSession(input: RunSessionInput): Promise<RunResult> {
  const run = new Run(input);
  handleMessages(run);
  countCalls(run);
  const background = new CancellationScope();
  try {
    attachCalls(run, runningIds(run));
    // Not awaited: a person's stop must be heard while the API cannot be asked for the session.
    void background.run(() => serve(run, input.carried === undefined));
    void background.run(() => watchDeadlines(run));
    void background.run(() => keepWork(run));
    void background.run(() => watchStuck(run));
    void background.run(() => keepTelling(run));
    return await drive(run, background);
  } catch (error) {
    if (error instanceof FailedRun) {
      await close(run, { state: 'failed', reason: 'failed' });
      throw failed(run, error.reason);
    }
    // Cancelled from outside (the UI, a client): the tools of the session must not go on alone (I10).
    if (isCancellation(error)) await close(run, { state: 'stopped', reason: 'cancelled' });
    throw error;
  }
}

function runningIds(run: Run): string[] {
  return pendingCalls(run.state).flatMap(call => (call.phase.kind === 'running' ? [call.id] : []));
}

/** Takes one step after the other until the run ends. */
async function drive(run: Run, background: CancellationScope): Promise<RunResult> {
  for (;;) {
    run.takeInbox();
    if (run.failure !== undefined) throw new FailedRun(run.failure.error);
    const ending = endingOf(run);
    if (ending !== undefined) {
      if (await close(run, ending)) return finish(run, ending);
      continue;
    }
    if (run.rotating || run.isLong()) await continueAsNew(run, background);
    const step = nextStep(run.state, Date.now(), {
      maxParallel: run.options.maxParallel,
      interruptGraceMs: run.options.interruptGraceMs,
      approvalDeadlineMs: run.options.approvalDeadlineMs ?? 0,
      workspaceOpen: run.workspaceOpen && run.work.isMounted,
      workspaceOpening: run.opening !== undefined,
    });
    switch (step.kind) {
      case 'open-workspace':
        follow(
          run,
          openWorkspace(run).then(
            () => run.touch(),
            error => failItem(run, error),
          ),
        );
        break;
      case 'run':
        runCalls(run, step.ids);
        break;
      case 'stop':
        stopCalls(run, step.ids, step.reason);
        break;
      case 'deny':
        denyOverdue(run, step.ids);
        break;
      case 'confirm':
        confirmCall(run, step.id, step.decision);
        break;
      case 'post':
        postResults(run, step.ids);
        break;
      case 'post-stored':
        postStored(run, step.id);
        break;
      case 'recheck':
        recheck(run, step);
        break;
      case 'end':
        run.ending = step;
        break;
      case 'wait':
        await change(run, step.until);
        break;
      default:
        step satisfies never;
    }
  }
}

/** Sleeps until something happens, or until a time that the state waits for. */
async function change(run: Run, until?: number): Promise<void> {
  show(run);
  const seen = run.revision;
  const changed = () => run.revision !== seen;
  if (until === undefined) await condition(changed);
  else await condition(changed, Math.max(1, until - Date.now()), { summary: 'until a call is overdue' });
}
