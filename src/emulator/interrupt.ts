/** What an interrupt does once it is applied (api.md §1.7). */
import type { Session } from './session.ts';
import { threadIdle } from './thread-status.ts';

const INTERRUPTED = 'Tool execution was interrupted before completion. Please retry.';

/**
 * Closes the open calls of a thread, or of all, by an error `agent.tool_result`, and ends the turn or the
 * thread's part of it. On an idle thread it does nothing.
 */
export function applyInterrupt(session: Session, threadId: string | undefined): void {
  const primary = session.threads.primary;
  const open = session.calls.openCalls();
  const hit = open.filter(call => threadId === undefined || (call.threadId ?? primary.id) === threadId);
  if (session.status !== 'running' && hit.length === 0) return;
  // Work that was stopped with open calls is offered again (§1.2).
  session.settings.needsWork(session, 'the session was interrupted');
  for (const call of hit) {
    const content = [{ type: 'text', text: INTERRUPTED }];
    session.emit({ type: 'agent.tool_result', tool_use_id: call.id, is_error: true, content });
    session.closeCall(call.id, 'interrupt', true, content);
  }
  const thread = threadId === undefined ? undefined : session.threads.get(threadId);
  if (thread === undefined || (thread === primary && hit.length === open.length)) {
    session.turn.abortActs();
    session.turn.end({ type: 'end_turn' });
    return;
  }
  threadIdle(session, thread, { type: 'end_turn' });
  session.turn.settle(hit.map(call => call.id));
}
