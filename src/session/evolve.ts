/**
 * The fold: what a session's events and the workflow's own facts make of its state. Total and pure: it never
 * throws, never mutates, knows no clock (`now` is handed in), and any overlap or repetition of events ends in
 * the same state (I1).
 */
import { applyFact } from './apply-fact.ts';
import { addCall, applyAnswer, applyVerdict } from './call-events.ts';
import { type Draft, draftOf, haltForInterrupts, settle } from './draft.ts';
import type { SessionEvent } from './events.ts';
import type { Fact } from './facts.ts';
import { isBefore, type Order, stampOf } from './order.ts';
import { pendingCalls, type SessionState } from './state.ts';

const RECENT = 1_000;
const INTERRUPTS = 50;
const THREADS = 1_000;
/**
 * Behind all else of one stamp stand an idle, which ends what is committed with it (also when some of that is
 * delivered once more after its id was forgotten), and what has no stamp yet.
 */
const LAST = 2 ** 40;

/**
 * @param item an event of the API, or a fact of the workflow.
 * @param now Unix milliseconds (the workflow's clock).
 */
export function evolve(state: SessionState, item: SessionEvent | Fact, now: number): SessionState {
  return fold(state, [item], now);
}

/** `evolve` over many: copies the state once. */
export function fold(
  state: SessionState,
  items: readonly (SessionEvent | Fact)[],
  now: number,
): SessionState {
  const draft = draftOf(state);
  foldInto(draft, items, now);
  return draft;
}

/** `fold` into a state that nobody else holds: copying one of 10,000 calls costs more than folding an event does. */
export function foldInto(draft: Draft, items: readonly (SessionEvent | Fact)[], now: number): void {
  for (const item of items) {
    if ('processed_at' in item) applyEvent(draft, item, now);
    else applyFact(draft, item, now);
  }
}

function applyEvent(draft: Draft, event: SessionEvent, now: number): void {
  if (!isNews(draft, event)) return;
  const own = stampOf(event.processed_at);
  const stamp = own ?? draft.newest;
  const last = own === undefined || event.type === 'session.status_idle';
  const order: Order = { stamp, seq: last ? LAST + draft.seq++ : draft.seq++ };
  if (stamp > draft.newest) draft.newest = stamp;
  switch (event.type) {
    case 'agent.tool_use':
    case 'agent.custom_tool_use':
      louder(draft, order);
      addCall(draft, event, order, now);
      return;
    case 'agent.tool_result':
    case 'user.tool_result':
    case 'user.custom_tool_result':
      louder(draft, order);
      applyAnswer(draft, event.tool_use_id, now);
      return;
    case 'user.tool_confirmation':
      // Idle-neutral, as in the SDK's `isIdleNeutral`: a verdict acts through the call that it releases.
      applyVerdict(draft, event.tool_use_id, event.result === 'allow' ? 'allow' : 'deny', now);
      return;
    case 'user.interrupt': {
      louder(draft, order);
      const interrupt = { id: event.id, thread: event.session_thread_id ?? null, order };
      draft.interrupts = [...draft.interrupts.filter(known => known.id !== event.id), interrupt].slice(
        -INTERRUPTS,
      );
      for (const call of pendingCalls(draft)) haltForInterrupts(draft, call, now);
      return;
    }
    case 'session.status_idle':
      louder(draft, order);
      turn(draft, {
        id: event.id,
        order,
        processedAt: event.processed_at,
        stopReason: event.stop_reason,
        eventIds: event.event_ids,
      });
      return;
    case 'session.status_running':
    case 'session.status_rescheduled':
      louder(draft, order);
      turn(draft, { id: event.id, order, processedAt: event.processed_at, eventIds: [] });
      return;
    case 'session.status_terminated':
    case 'session.deleted':
      draft.ended ??= event.type;
      for (const call of pendingCalls(draft)) {
        if (call.phase.kind === 'waiting') settle(draft, call, 'void', 'the session ended', now);
      }
      return;
    case 'session.thread_status_terminated':
      endThread(draft, event.session_thread_id, now);
      return;
    case 'session.thread_status_running':
      namePrimary(draft, { thread: event.session_thread_id, order }, now);
      return;
    default:
      event satisfies never;
  }
}

/** I1: each event id folds once; a queued user event (no stamp) and its processed form count as two. */
function isNews(draft: Draft, event: SessionEvent): boolean {
  if (draft.recent.includes(event.id)) return false;
  const key = event.processed_at === null ? `queued:${event.id}` : event.id;
  if (draft.recent.includes(key)) return false;
  draft.recent.push(key);
  if (draft.recent.length > RECENT) draft.recent.splice(0, draft.recent.length - RECENT);
  return true;
}

function louder(draft: Draft, order: Order): void {
  if (isBefore(draft.loudest, order)) draft.loudest = order;
}

function turn(draft: Draft, next: NonNullable<SessionState['turn']>): void {
  if (draft.turn === undefined || isBefore(draft.turn.order, next.order)) draft.turn = next;
}

/** I1: the first in the log counts, whichever comes first; an interrupt of its thread may have come before it. */
function namePrimary(draft: Draft, primary: NonNullable<SessionState['primary']>, now: number): void {
  if (draft.primary !== undefined && !isBefore(primary.order, draft.primary.order)) return;
  draft.primary = primary;
  for (const call of pendingCalls(draft)) haltForInterrupts(draft, call, now);
}

function endThread(draft: Draft, thread: string, now: number): void {
  if (draft.endedThreads.includes(thread)) return;
  draft.endedThreads = [...draft.endedThreads, thread].slice(-THREADS);
  for (const call of pendingCalls(draft)) {
    // A call that already runs is let to its end (behaviours.md 155).
    if (call.thread === thread && call.phase.kind === 'waiting')
      settle(draft, call, 'void', 'its thread ended', now);
  }
}
