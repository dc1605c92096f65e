/** The status events of threads; each is emitted only on a change (api.md §1.5, §1.7). */
import type { Session, StopReason } from './session.ts';
import type { Thread } from './threads.ts';

export function threadRunning(session: Session, thread: Thread): void {
  if (thread.status !== 'idle') return;
  thread.status = 'running';
  session.emit({ type: 'session.thread_status_running', ...named(thread) });
}

export function threadIdle(session: Session, thread: Thread, stopReason: StopReason): void {
  if (thread.status !== 'running') return;
  thread.status = 'idle';
  session.emit({
    type: 'session.thread_status_idle',
    ...named(thread),
    stop_reason: stopReason,
    stop_details: stopDetails(stopReason),
  });
}

/** Ends a thread and its open calls: it takes no input any more. */
export function threadTerminated(session: Session, thread: Thread): void {
  if (thread.status === 'terminated') return;
  const open = session.calls.openCalls().filter(call => call.threadId === thread.id);
  thread.status = 'terminated';
  session.emit({ type: 'session.thread_status_terminated', ...named(thread) });
  for (const call of open) session.closeCall(call.id, 'terminated', true, []);
  session.turn.settle(open.map(call => call.id));
}

/** The `stop_details` that go with a stop reason. */
export function stopDetails(stopReason: StopReason): object | null {
  return stopReason.type === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null;
}

function named(thread: Thread): { session_thread_id: string; agent_name: string } {
  return { session_thread_id: thread.id, agent_name: thread.agentName };
}
