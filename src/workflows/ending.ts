/** How a run ends: idle, with its session, stopped, or failed in the open. */
import { ApplicationFailure, CancellationScope, condition } from '@temporalio/workflow';
import { settleAnswered, voidRest } from '../session/records.ts';
import { closeWorkspaceOn } from './activities.ts';
import { show } from './inspector.ts';
import type { RunResult } from './messages.ts';
import { countEnded } from './metrics.ts';
import { tellLast } from './notices.ts';
import type { Ending, Run } from './run.ts';
import { resultOf } from './visible.ts';
import { letGoOfWork } from './work-item-keeping.ts';

/** Ends a run in the open; `reason` is what an activity failed with. */
export class FailedRun extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super('the run failed');
    this.reason = reason;
  }
}

export function endingOf(run: Run): Ending | undefined {
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
export async function close(run: Run, ending: Ending): Promise<boolean> {
  const seen = run.revision;
  // What belongs to a session that has ended may go, also where this run has not opened it.
  const sessionEnded = run.state.ended !== undefined;
  if (run.workspaceOpen || run.opening !== undefined || (sessionEnded && run.workspace !== null)) {
    await CancellationScope.nonCancellable(async () => {
      await awaitOpening(run);
      const { workspace } = run;
      if (workspace === null) return;
      // A failed run leaves its running tools to their end: the journal keeps what the next run will post (I5).
      // What an idle run still has running is answered already: a stop that has not come to its end.
      const killRunning = ending.state !== 'failed';
      const closed = closeWorkspaceOn(workspace)({
        ...run.session,
        workspace,
        killRunning,
        ...(sessionEnded ? { sessionEnded } : {}),
      });
      const result = await closed.catch(error => ({
        notes: [`could not close the tool host, its sweep will: ${words(error)}`],
      }));
      for (const note of result.notes) run.note(note);
      run.workspaceOpen = false;
    });
  }
  const mayEnd = () => ending.reason !== 'idle' || (run.revision === seen && run.inbox.length === 0);
  if (!mayEnd()) return false;
  await letGoOfWork(run);
  await tellLast(run);
  return mayEnd();
}

/** What is being opened must be closed; but a host that is lost, or nowhere to be found, is not waited for. */
const OPENING_MS = 10_000;

async function awaitOpening(run: Run): Promise<void> {
  const { opening } = run;
  if (opening === undefined) return;
  await condition(() => run.opening === undefined, OPENING_MS, { summary: 'until the workspace is open' });
  run.openingScope?.cancel();
  await opening.catch(() => undefined);
}

export function finish(run: Run, ending: Ending): RunResult {
  const before = run.state;
  run.state =
    run.state.ended === undefined
      ? settleAnswered(run.state, Date.now())
      : voidRest(run.state, 'the session ended', Date.now());
  countEnded(before, run.state);
  run.over = ending.reason;
  show(run);
  return resultOf(run, ending.state, ending.reason);
}

/** Carries the summary, so that whoever waits can tell what became of each call. */
export function failed(run: Run, error: unknown): ApplicationFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = words(error);
  return ApplicationFailure.create({
    type: cause instanceof ApplicationFailure ? (cause.type ?? 'Failed') : 'Failed',
    message,
    nonRetryable: true,
    details: [resultOf(run, 'failed', message)],
  });
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
