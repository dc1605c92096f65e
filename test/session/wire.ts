/** Events, facts and tools as the tests of the core write them down. */
import type {
  AnswerEvent,
  ConfirmationEvent,
  EndedEvent,
  IdleEvent,
  InterruptEvent,
  RunningEvent,
  SessionEvent,
  ThreadEndedEvent,
  ThreadRunningEvent,
  ToolUseEvent,
} from '../../src/session/events.ts';
import type { Fact } from '../../src/session/facts.ts';
import type { ToolOutcome } from '../../src/session/outcome.ts';
import type { ServedTool } from '../../src/session/served-tool.ts';
import { BUILTIN_TOOLS } from '../../src/tool-host/builtin-tools.ts';

/** Replaced by the stamp of its position, by `given`. */
export const AUTO = 'auto';

const EPOCH = Date.parse('2026-01-01T00:00:00Z');

/** The `processed_at` of the n-th second of a test's log. */
export function stamp(second: number): string {
  return new Date(EPOCH + second * 1000).toISOString();
}

export function at<E extends SessionEvent>(second: number, event: E): E {
  return { ...event, processed_at: stamp(second) };
}

/** As a user event is first seen: without its stamp. */
export function queued<E extends SessionEvent>(event: E): E {
  return { ...event, processed_at: null };
}

export function call(id: string, name = 'bash', more: Partial<ToolUseEvent> = {}): ToolUseEvent {
  return { type: 'agent.tool_use', id, processed_at: AUTO, name, input: {}, ...more };
}

export function custom(id: string, name = 'get_weather', more: Partial<ToolUseEvent> = {}): ToolUseEvent {
  return { ...call(id, name, more), type: 'agent.custom_tool_use' };
}

/** A call that needs a confirmation. */
export function ask(id: string, name = 'bash', more: Partial<ToolUseEvent> = {}): ToolUseEvent {
  return call(id, name, { evaluated_permission: 'ask', ...more });
}

export function answer(
  callId: string,
  type: AnswerEvent['type'] = 'user.tool_result',
  id = `answer-${callId}`,
): AnswerEvent {
  return { type, id, processed_at: AUTO, tool_use_id: callId };
}

export function verdict(callId: string, result: string): ConfirmationEvent {
  const id = `verdict-${callId}-${result}`;
  return { type: 'user.tool_confirmation', id, processed_at: AUTO, tool_use_id: callId, result };
}

export function interrupt(thread?: string, id = 'interrupt-1'): InterruptEvent {
  const scope = thread === undefined ? {} : { session_thread_id: thread };
  return { type: 'user.interrupt', id, processed_at: AUTO, ...scope };
}

export function idle(stop_reason = 'end_turn', id = 'idle-1'): IdleEvent {
  return { type: 'session.status_idle', id, processed_at: AUTO, stop_reason, event_ids: [] };
}

/** The session waits for these calls. */
export function waitsFor(event_ids: readonly string[], id = 'idle-wait'): IdleEvent {
  return { ...idle('requires_action', id), event_ids };
}

export function running(id = 'running-1'): RunningEvent {
  return { type: 'session.status_running', id, processed_at: AUTO };
}

export function terminated(type: EndedEvent['type'] = 'session.status_terminated'): EndedEvent {
  return { type, id: 'ended-1', processed_at: AUTO };
}

export function threadEnded(thread: string): ThreadEndedEvent {
  const id = `thread-end-${thread}`;
  return { type: 'session.thread_status_terminated', id, processed_at: AUTO, session_thread_id: thread };
}

export function threadRunning(thread: string, id = `thread-runs-${thread}`): ThreadRunningEvent {
  return { type: 'session.thread_status_running', id, processed_at: AUTO, session_thread_id: thread };
}

export const GET_WEATHER: ServedTool = {
  name: 'get_weather',
  timeoutMs: 150_000,
  idempotent: false,
  locks: [],
};
export const TOOLS: Fact = { type: 'tools', tools: [...BUILTIN_TOOLS, GET_WEATHER] };
export const LISTED: Fact = { type: 'listed' };
export const LISTING: Fact = { type: 'listing' };
/** The tools are known and the history is read. */
export const READY: readonly Fact[] = [TOOLS, LISTED];

export function started(...ids: readonly string[]): Fact[] {
  return ids.map(id => ({ type: 'started', id }));
}

const TIMES = { startedAt: 1_000_000, finishedAt: 1_000_500, starts: 1 };
const NO_EVIDENCE = { input: '', startedAt: 1_000_000, endedAt: 1_000_500, lastLines: [], survivors: [] };

export const OUTCOMES = {
  answered: { kind: 'answered', isError: false, content: [{ type: 'text', text: 'ok' }], ...TIMES },
  stored: { kind: 'stored', isError: false, bytes: 300_000, sha256: 'abc', ...TIMES },
  stopped: { kind: 'stopped', evidence: NO_EVIDENCE, ...TIMES },
  unknown: { kind: 'unknown', reason: 'the tool host died', evidence: NO_EVIDENCE, ...TIMES },
} as const satisfies Record<ToolOutcome['kind'], ToolOutcome>;

export function finished(id: string, kind: ToolOutcome['kind'] = 'answered'): Fact {
  return { type: 'finished', id, outcome: OUTCOMES[kind] };
}

export function posting(...ids: readonly string[]): Fact {
  return { type: 'posting', ids };
}

export function delivered(
  id: string,
  how: Extract<Fact, { type: 'delivered' }>['how'] = 'posted',
  more: { reason?: string; at?: string } = {},
): Fact {
  return { type: 'delivered', id, how, ...more };
}
