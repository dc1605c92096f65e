/** Notices that a run makes no progress, with one durable timer at most while anything is waited for. */
import { condition, isCancellation, sleep } from '@temporalio/workflow';
import { activeCalls } from '../session/active-calls.ts';
import { stuckFrom, stuckOn, type Wait } from '../session/stuck.ts';
import { ACTIVITY_STEP_MS } from './activity-options.ts';
import { count } from './metrics.ts';
import type { Run } from './run.ts';

/** Counts `work` among what should pass by itself soon. @returns the same promise: a replay must not differ by it. */
export function waitedFor<T>(run: Run, what: string, work: Promise<T>): Promise<T> {
  const { stuckBefore } = run;
  const wait: Wait = { what, since: stuckBefore?.what === what ? stuckBefore.since : Date.now() };
  run.waits.add(wait);
  const over = () => {
    run.waits.delete(wait);
  };
  work.then(over, over);
  return work;
}

/** All that should pass by itself soon. */
export function waitsOf(run: Run): Wait[] {
  const waits = [...run.waits];
  if (run.unlistedSince !== undefined)
    waits.push({ what: 'the session’s history', since: run.unlistedSince });
  if (run.attached === 0) return waits;
  for (const { phase, timeoutMs = 0, summary } of activeCalls(run.state)) {
    if (phase.kind !== 'running') continue;
    // Its host ends it by then, and says so; else nobody is there who could.
    const since = phase.since + timeoutMs + ACTIVITY_STEP_MS;
    waits.push({ what: `a tool that is over its time: ${summary}`, since });
  }
  return waits;
}

/**
 * A wait costs the history no event of its own: the timer runs from the first one on, and when it fires, what is
 * waited for then is looked at anew.
 */
export async function watchStuck(run: Run): Promise<void> {
  const isOverdue = () => stuckOn(waitsOf(run), Date.now(), limitOf(run)) !== undefined;
  try {
    for (;;) {
      await condition(() => limitOf(run) > 0 && isWaiting(run) && !run.rotating);
      const waits = waitsOf(run);
      const limit = limitOf(run);
      const stuck = stuckOn(waits, Date.now(), limit);
      if (stuck === undefined) {
        const left = (stuckFrom(waits, limit) ?? 0) - Date.now();
        await sleep(Math.min(Math.max(left, 1), limit), { summary: 'until the session counts as stuck' });
        continue;
      }
      if (stuck.since !== run.stuckBefore?.since) {
        run.note(`no progress: it waits for ${stuck.what}`);
        count('stuck');
      }
      run.stuck = stuck;
      run.touch();
      await condition(() => !isOverdue());
      run.stuck = undefined;
      run.note('it goes on');
      run.touch();
    }
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
}

function limitOf({ options }: Run): number {
  return options.stuckAfterMs ?? 0;
}

/** What is cheap to ask comes first: this is asked at every turn of the run. */
function isWaiting(run: Run): boolean {
  if (run.waits.size > 0 || run.unlistedSince !== undefined) return true;
  return run.attached > 0 && waitsOf(run).length > 0;
}
