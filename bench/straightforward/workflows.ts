/**
 * A session as a Temporal workflow, as a good engineer writes it in an afternoon: the listener signals what happens,
 * each call is a tool activity and then a post activity. It is what Holdfast is measured against, so it is meant to be
 * fast: eager starts, no more events than needed. It has no tool host, no journal and no locks: a worker that dies
 * takes its running tools along, and their calls are answered with an error.
 */
import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type * as activities from './activities.ts';
import type * as listeners from './listener.ts';
import { type Event, eventsSignal, LISTENERS, type SessionInput, type ToolCall } from './messages.ts';

// A tool has side effects: it is never tried again.
const { runTool } = proxyActivities<typeof activities>({
  startToCloseTimeout: '150s',
  heartbeatTimeout: '5s',
  retry: { maximumAttempts: 1 },
});

const { post } = proxyActivities<typeof activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', maximumInterval: '10s' },
});

const { listen } = proxyActivities<typeof listeners>({
  taskQueue: LISTENERS,
  startToCloseTimeout: '24h',
  // A thousand that beat more often would keep the server busy with nothing else.
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '10s' },
  // A run that continues as new does not wait: what two listeners tell twice is known by its id.
  cancellationType: 'TRY_CANCEL',
});

/** Enough for what the next listener, which begins at the last event's stamp, may bring again. */
const KEPT_IDS = 100;

export async function session({ sessionId, idleMs, carried }: SessionInput): Promise<void> {
  const inbox: Event[] = [...(carried?.inbox ?? [])];
  const seen = new Set(carried?.seen);
  let cursor = carried?.cursor ?? null;
  let underWay = 0;
  let state = 'running' as 'running' | 'idle' | 'ended';
  let turn = new CancellationScope();
  setHandler(eventsSignal, (events, last) => {
    inbox.push(...events);
    cursor = last;
  });

  const listening = new CancellationScope();
  const listener = listening
    .run(() => listen(sessionId, cursor))
    .catch(error => {
      if (!isCancellation(error)) state = 'ended';
    });

  async function answer(call: ToolCall): Promise<void> {
    underWay++;
    try {
      const outcome = await runTool(sessionId, call);
      await post(sessionId, call, outcome);
    } catch (error) {
      // An interrupt: the server has closed the call.
      if (isCancellation(error)) return;
      await post(sessionId, call, { isError: true, content: `${call.name} did not finish: ${error}` });
    } finally {
      underWay--;
    }
  }

  function handle(event: Event): void {
    switch (event.kind) {
      case 'call':
        if (seen.has(event.call.id)) return;
        seen.add(event.call.id);
        state = 'running';
        void turn.run(() => answer(event.call)).catch(() => {});
        break;
      case 'interrupt':
        if (seen.has(event.id)) return;
        seen.add(event.id);
        turn.cancel();
        turn = new CancellationScope();
        break;
      default:
        if (state !== 'ended') state = event.kind;
    }
  }

  for (;;) {
    for (const event of inbox.splice(0)) handle(event);
    if (state === 'ended') break;
    if (workflowInfo().continueAsNewSuggested && underWay === 0) {
      listening.cancel();
      await listener;
      const ids = [...seen].slice(-KEPT_IDS);
      await continueAsNew<typeof session>({ sessionId, idleMs, carried: { inbox, seen: ids, cursor } });
    }
    // Only an idle session has a timer: none is started and cancelled for every call.
    if (state === 'idle' && underWay === 0) {
      if (!(await condition(() => inbox.length > 0, idleMs))) break;
    } else {
      const before = underWay;
      await condition(() => inbox.length > 0 || underWay < before || state === 'ended');
    }
  }
  listening.cancel();
  await listener;
}
