/** Cuts a session's whole history down to what the fold still needs of it (I11: a first attach stays small). */
import type { AnswerEvent, SessionEvent, ToolUseEvent } from './events.ts';

/** A call may be listed this late behind an interrupt that stands after it (design §6, the cursor's overlap). */
const LATE_COMMIT_MS = 60_000;

/**
 * Drops what is over: calls that have an answer, with their answers and confirmations; interrupts before every
 * kept call; all statuses but the newest. Kept, in the order listed: unanswered calls and their confirmations,
 * answers and confirmations of calls that are not listed (they may still come, I1), interrupts behind a kept
 * call and those of the last minute, ended threads, the first status of a thread, the newest status, the end of
 * the session, and the newest event that the idle check counts. Folding the cut history gives the same open
 * calls as folding all of it.
 *
 * @param events a list read from the start, oldest first. May be called again on its own result plus the pages
 *   that follow.
 * @param options `keepAnswers`: for a state that already has some of the calls, which their answers settle.
 */
export function compactHistory(
  events: readonly SessionEvent[],
  { keepAnswers = false }: { readonly keepAnswers?: boolean } = {},
): SessionEvent[] {
  const calls = new Set(events.filter(isCall).map(call => call.id));
  const answered = new Set(
    events.flatMap(event => (isAnswer(event) && calls.has(event.tool_use_id) ? [event.tool_use_id] : [])),
  );
  const primary = events.findIndex(event => event.type === 'session.thread_status_running');
  const lastStatus = events.findLastIndex(isStatus);
  const loudest = events.findLastIndex(event => !isNeutral(event));
  const newest = events[loudest];
  // The newest event is kept in any case, and a call and its answer never without each other: the call would be
  // open again, the answer be taken for that of a call that is still to come.
  if (newest !== undefined && isCall(newest)) answered.delete(newest.id);
  if (newest !== undefined && isAnswer(newest)) answered.delete(newest.tool_use_id);
  const open = (id: string) => !answered.has(id);
  const firstOpen = events.findIndex(event => isCall(event) && open(event.id));
  const recent = newestStamp(events) - LATE_COMMIT_MS;
  return events.filter((event, at) => {
    if (at === lastStatus || at === loudest || at === primary) return true;
    switch (event.type) {
      case 'agent.tool_use':
      case 'agent.custom_tool_use':
        return open(event.id);
      case 'agent.tool_result':
      case 'user.tool_result':
      case 'user.custom_tool_result':
        return keepAnswers || open(event.tool_use_id);
      case 'user.tool_confirmation':
        return open(event.tool_use_id);
      case 'user.interrupt':
        return (firstOpen !== -1 && at > firstOpen) || !(stampMs(event) < recent);
      case 'session.thread_status_terminated':
      case 'session.status_terminated':
      case 'session.deleted':
        return true;
      case 'session.status_idle':
      case 'session.status_running':
      case 'session.status_rescheduled':
      case 'session.thread_status_running':
        return false;
      default:
        return event satisfies never;
    }
  });
}

function isCall(event: SessionEvent): event is ToolUseEvent {
  return event.type === 'agent.tool_use' || event.type === 'agent.custom_tool_use';
}

function isAnswer(event: SessionEvent): event is AnswerEvent {
  return (
    event.type === 'agent.tool_result' ||
    event.type === 'user.tool_result' ||
    event.type === 'user.custom_tool_result'
  );
}

function isStatus(event: SessionEvent): boolean {
  return (
    event.type === 'session.status_idle' ||
    event.type === 'session.status_running' ||
    event.type === 'session.status_rescheduled'
  );
}

/** As in the SDK's `isIdleNeutral`; the fold takes from a thread's status its name alone. */
function isNeutral(event: SessionEvent): boolean {
  return (
    event.type === 'user.tool_confirmation' ||
    event.type === 'session.thread_status_terminated' ||
    event.type === 'session.thread_status_running'
  );
}

function stampMs(event: SessionEvent): number {
  return event.processed_at === null ? Number.NaN : Date.parse(event.processed_at);
}

function newestStamp(events: readonly SessionEvent[]): number {
  return events.reduce((newest, event) => Math.max(newest, stampMs(event) || 0), 0);
}
