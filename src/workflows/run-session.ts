/** `runSession`: one session's tool calls, from its first event to its end (design §2, §6). */
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  makeContinueAsNewFunc,
  setHandler,
} from '@temporalio/workflow';
import { nextStep } from '../session/next-step.ts';
import { carried, voidRest } from '../session/records.ts';
import { pendingCalls } from '../session/state.ts';
import { closeWorkspaceOn, describeTools, openSession } from './activities.ts';
import { keepListening } from './listening.ts';
import {
  callsQuery,
  eventsSignal,
  type SessionSummary,
  statusQuery,
  stopUpdate,
  wakeSignal,
} from './messages.ts';
import { type Ending, Run } from './run.ts';
import type { RunSessionInput } from './run-input.ts';
import { attachCalls, follow, postResults, postStored, recheck, runCalls, stopCalls } from './tool-calls.ts';
import { callDetails, show, statusOf, summaryOf } from './visible.ts';
import { watchIdle } from './watchdog.ts';
import { openWorkspace } from './workspace.ts';

export async function runSession(input: RunSessionInput): Promise<SessionSummary> {
  const run = new Run(input);
  handleMessages(run);
  const background = new CancellationScope();
  try {
    attachCalls(run, runningIds(run));
    // Not awaited: a person's stop must be heard while the API cannot be asked for the session.
    void background.run(() => serve(run, input.carried === undefined));
    return await drive(run, background);
  } catch (error) {
    if (error instanceof FailedRun) throw failed(run, error.reason);
    // Cancelled from outside (the UI, a client): the tools of the session must not go on alone (I10).
    if (isCancellation(error)) await close(run, { state: 'stopped', reason: 'cancelled' });
    throw error;
  }
}

function runningIds(run: Run): string[] {
  return pendingCalls(run.state).flatMap(call => (call.phase.kind === 'running' ? [call.id] : []));
}

/** Ends a run in the open; `reason` is what an activity failed with. */
class FailedRun extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super('the run failed');
    this.reason = reason;
  }
}

function handleMessages(run: Run): void {
  setHandler(eventsSignal, batch => run.receive(batch));
  setHandler(wakeSignal, wake => {
    const { maxIdleMs } = wake ?? {};
    if (typeof maxIdleMs === 'number' && maxIdleMs >= 0) run.options = { ...run.options, maxIdleMs };
    run.fold({ type: 'woken' });
  });
  setHandler(
    stopUpdate,
    ({ graceMs, reason }) => {
      run.note(`asked to stop: ${reason}`);
      run.fold({ type: 'stop-requested', graceMs, reason });
      return { stopping: true } as const;
    },
    {
      validator: request => {
        if (typeof request?.graceMs !== 'number' || !(request.graceMs >= 0))
          throw new Error('stop needs graceMs: how many milliseconds running calls may still take');
        if (typeof request.reason !== 'string') throw new Error('stop needs a reason');
      },
    },
  );
  setHandler(statusQuery, () => statusOf(run));
  setHandler(callsQuery, () => callDetails(run));
}

/** What goes on beside the steps: the tools are asked for, the session is heard, the idle clock is watched. */
async function serve(run: Run, isFirst: boolean): Promise<void> {
  if (isFirst && !(await lookUp(run))) return;
  if (run.state.tools === undefined)
    follow(
      run,
      describeTools().then(({ tools }) => run.fold({ type: 'tools', tools })),
    );
  await Promise.all([keepListening(run), watchIdle(run)]);
}

/** @returns whether the session lives; the calls of a dead one are never run (W-7), so nobody needs to listen. */
async function lookUp(run: Run): Promise<boolean> {
  try {
    const session = await openSession({ sessionId: run.sessionId });
    run.title = session.title;
    run.workspace = session.lastHost;
    run.searchAttributes = session.searchAttributes;
    run.touch();
    if (session.status !== 'terminated' && !session.archived) return true;
    run.note(session.archived ? 'the session is archived' : 'the session is terminated');
    run.fold({ type: 'session.status_terminated', id: 'openSession', processed_at: null });
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
  return false;
}

/** Takes one step after the other until the run ends. */
async function drive(run: Run, background: CancellationScope): Promise<SessionSummary> {
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
      workspaceOpen: run.workspaceOpen,
      workspaceOpening: run.opening !== undefined,
    });
    switch (step.kind) {
      case 'open-workspace':
        follow(
          run,
          openWorkspace(run).then(() => run.touch()),
        );
        break;
      case 'run':
        runCalls(run, step.ids);
        break;
      case 'stop':
        stopCalls(run, step.ids, step.reason);
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

function endingOf(run: Run): Ending | undefined {
  if (run.ending !== undefined) return run.ending;
  if (run.idleEnd !== undefined && run.idleEnd === run.window?.key) return { state: 'done', reason: 'idle' };
  run.idleEnd = undefined;
  return undefined;
}

/**
 * Closes the tool host, on the record and beyond cancellation. A wake or an event that came meanwhile keeps an
 * idle session going: the listener stays until the very end (§6, `start`).
 *
 * @returns whether the run may end now.
 */
async function close(run: Run, ending: Ending): Promise<boolean> {
  const seen = run.revision;
  const { workspace, workspaceOpen } = run;
  if (workspace !== null && (workspaceOpen || run.opening !== undefined)) {
    await CancellationScope.nonCancellable(async () => {
      await run.opening?.catch(() => undefined);
      const killRunning = ending.reason !== 'idle';
      const closed = closeWorkspaceOn(workspace)({ sessionId: run.sessionId, workspace, killRunning });
      const result = await closed.catch(error => ({
        notes: [`could not close the tool host, its sweep will: ${words(error)}`],
      }));
      for (const note of result.notes) run.note(note);
      run.workspaceOpen = false;
    });
  }
  return ending.reason !== 'idle' || (run.revision === seen && run.inbox.length === 0);
}

function finish(run: Run, ending: Ending): SessionSummary {
  if (run.state.ended !== undefined) run.state = voidRest(run.state, 'the session ended');
  run.over = ending.reason;
  show(run);
  return summaryOf(run, ending.state, ending.reason);
}

/** The next run goes on where this one stands; running tools are attached again, under the same ids. */
async function continueAsNew(run: Run, background: CancellationScope): Promise<void> {
  run.rotating = true;
  background.cancel();
  const quiet = () => run.posts === 0 && run.opening === undefined && allHandlersFinished();
  await condition(quiet, run.options.drainMs, { summary: 'posts under way end before the next run' });
  run.takeInbox();
  if (run.failure !== undefined) throw new FailedRun(run.failure.error);
  const { sessionId, options, cursor, workspace, record, title, searchAttributes } = run;
  const next = makeContinueAsNewFunc<typeof runSession>({ workflowTaskTimeout: 5_000 });
  await next({
    sessionId,
    options,
    carried: {
      state: carried(run.state),
      epoch: run.epoch + 1,
      cursor,
      workspace,
      record,
      title,
      searchAttributes,
    },
  });
}

function failed(run: Run, error: unknown): ApplicationFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = words(error);
  return ApplicationFailure.create({
    type: cause instanceof ApplicationFailure ? (cause.type ?? 'Failed') : 'Failed',
    message,
    nonRetryable: true,
    details: [summaryOf(run, 'failed', message)],
  });
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
