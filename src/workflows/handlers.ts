/** What a running session hears: signals, updates, queries. Handlers only record; the steps act on it. */
import { setHandler } from '@temporalio/workflow';
import { callsQuery, eventsSignal, statusQuery, stopUpdate, wakeSignal } from './messages.ts';
import type { Run } from './run.ts';
import { callDetails, statusOf } from './visible.ts';

export function handleMessages(run: Run): void {
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
