/** What goes on beside the steps of a run. */
import { isCancellation, patched, upsertMemo } from '@temporalio/workflow';
import { oneLine } from '../session/summary.ts';
import { describeTools, openSession } from './activities.ts';
import { keepListening } from './listening.ts';
import type { Run } from './run.ts';
import { waitedFor } from './stuck.ts';
import { follow } from './tool-calls.ts';
import { watchIdle } from './watchdog.ts';
import { mayBegin } from './work-item-keeping.ts';

/** Of a title in the memo, which every list of sessions reads. */
const TITLE_LENGTH = 200;

/** Looks the session up, asks which tools are served, hears the session and watches the idle clock. */
export async function serve(run: Run, isFirst: boolean): Promise<void> {
  if (isFirst && !((await mayBegin(run)) && (await lookUp(run)))) return;
  if (run.state.tools === undefined)
    follow(
      run,
      waitedFor(run, 'a worker that serves tools', describeTools({ sessionId: run.sessionId })).then(
        ({ tools }) => run.fold({ type: 'tools', tools }),
      ),
    );
  await Promise.all([keepListening(run), watchIdle(run)]);
}

/** @returns whether the session lives; the calls of a dead one are never run (W-7), so nobody needs to listen. */
async function lookUp(run: Run): Promise<boolean> {
  try {
    const session = await waitedFor(run, 'the API to tell of the session', openSession(run.session));
    run.title = session.title;
    run.lookedUpBy = session.runId ?? null;
    if (session.lastHost !== null) {
      const { runId, ...workspace } = session.lastHost;
      run.workspace = workspace;
      run.previous = { runId };
      // A run without a call must not make the session forget where its files are (§4).
      upsertMemo({ ...workspace, startedBy: runId });
    }
    const title = oneLine(session.title ?? '')
      .slice(0, TITLE_LENGTH)
      .toWellFormed();
    if (title !== '' && patched('title')) upsertMemo({ title });
    run.searchAttributes = session.searchAttributes;
    run.notices.wanted = session.notifies ?? false;
    run.touch();
    if (session.status !== 'terminated' && !session.archived) return true;
    run.note(session.archived ? 'the session is archived' : 'the session is terminated');
    run.fold({ type: 'session.status_terminated', id: 'openSession', processed_at: null });
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
  return false;
}
