/**
 * The idle watchdog: one durable timer, lazily re-armed, that only asks (§6). When it fires before its time
 * (the window has restarted meanwhile) it sleeps the rest; when it is due, the server is asked whether the
 * idle still stands, so that events which the listener filtered, or which came while every worker was down,
 * count.
 */
import { condition, isCancellation } from '@temporalio/workflow';
import { readTail } from './activities.ts';
import type { Run } from './run.ts';
import { waitedFor } from './stuck.ts';

export async function watchIdle(run: Run): Promise<void> {
  try {
    for (;;) {
      await condition(() => run.window !== undefined && run.options.maxIdleMs > 0 && !run.rotating);
      const window = run.window;
      const { maxIdleMs } = run.options;
      if (window === undefined || maxIdleMs <= 0) continue;
      const due = window.from + maxIdleMs;
      const left = due - Date.now();
      if (left > 0) {
        // A `wake` may have shortened the window: then the timer that runs is too long.
        const summary = `waiting ${seconds(maxIdleMs)} for the next turn`;
        await condition(() => dueAt(run) < due, left, { summary });
        continue;
      }
      const { idleId, since } = window;
      const tail = await waitedFor(
        run,
        'the API to say whether the session is idle',
        readTail({ ...run.session, idleId, since }),
      );
      if (run.window?.key !== window.key) continue;
      if (tail.kind === 'still-idle') {
        run.idleEnd = window.key;
        run.touch();
        await condition(() => run.window?.key !== window.key);
      } else {
        run.fold({ type: 'moved-on', idleId: window.idleId });
        if (tail.kind === 'ended') run.note(`the session ended while nobody listened: ${tail.by}`);
      }
    }
  } catch (error) {
    if (!isCancellation(error)) run.fail(error);
  }
}

function dueAt({ window, options }: Run): number {
  return window === undefined || options.maxIdleMs <= 0
    ? Number.POSITIVE_INFINITY
    : window.from + options.maxIdleMs;
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
