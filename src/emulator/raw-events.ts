/** What an event means that a test puts into a session as it is, so that later posts are judged rightly. */
import type { CallResult, ClosedBy } from './calls.ts';
import type { NewEvent, Session, StopReason } from './session.ts';

export function foldRaw(session: Session, event: NewEvent): void {
  const close = (id: unknown, by: ClosedBy) => {
    const content = Array.isArray(event.content) ? (event.content as CallResult['content']) : [];
    session.closeCall(String(id), by, event.is_error === true, content);
  };
  switch (event.type) {
    case 'agent.tool_use':
    case 'agent.custom_tool_use':
      // The same event again is a duplicate on the wire, not a second call.
      if (session.calls.get(String(event.id)) === undefined) {
        const call = session.openCall(event.type, event);
        if (call.permission === 'deny') session.closeCall(call.id, 'server', true, []);
      }
      break;
    case 'user.tool_result':
      close(event.tool_use_id, 'result');
      break;
    case 'user.custom_tool_result':
      close(event.custom_tool_use_id, 'result');
      break;
    case 'agent.tool_result':
      close(event.tool_use_id, 'server');
      break;
    case 'user.tool_confirmation': {
      const call = session.calls.get(String(event.tool_use_id));
      if (call !== undefined) call.confirmation = event.result === 'allow' ? 'allow' : 'deny';
      break;
    }
    case 'session.status_running':
      session.status = 'running';
      session.stopReason = undefined;
      session.settings.needsWork(session, 'the session runs');
      break;
    case 'session.status_rescheduled':
      session.status = 'rescheduling';
      break;
    case 'session.status_idle':
      session.status = 'idle';
      session.stopReason = event.stop_reason as StopReason;
      break;
    case 'session.status_terminated':
      session.status = 'terminated';
      break;
    case 'session.thread_status_terminated': {
      const thread = session.threads.get(String(event.session_thread_id));
      if (thread !== undefined) thread.status = 'terminated';
      break;
    }
  }
}
