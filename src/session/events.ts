/**
 * The events a session's fold understands, in the API's own words (api.md §1.5), cut down to the fields that
 * decide something. Closed on purpose: `toSessionEvent` drops what is unknown at the edge (I7), and inside the
 * fold a forgotten type is a compile error.
 */

interface Stamped {
  readonly id: string;
  /** ISO time, or null while a user event is queued; the same event comes again with its stamp. */
  readonly processed_at: string | null;
}

export interface ToolUseEvent extends Stamped {
  readonly type: 'agent.tool_use' | 'agent.custom_tool_use';
  readonly name: string;
  /** Absent when it is too large for a signal: `input_ref` stands for it and `runTool` reads it from the API. */
  readonly input?: unknown;
  /** `hint` keeps the input's short scalar fields (locks, timeouts and summaries need them). */
  readonly input_ref?: { readonly bytes: number; readonly hint: Readonly<Record<string, string | number>> };
  /** Absent: ungated. `allow`: ungated. `deny`: never runs. Anything else, null too, is held (I7). */
  readonly evaluated_permission?: string | null;
  readonly session_thread_id?: string;
}

export interface AnswerEvent extends Stamped {
  readonly type: 'agent.tool_result' | 'user.tool_result' | 'user.custom_tool_result';
  /** The call it answers (`tool_use_id` or `custom_tool_use_id` on the wire). */
  readonly tool_use_id: string;
}

export interface ConfirmationEvent extends Stamped {
  readonly type: 'user.tool_confirmation';
  readonly tool_use_id: string;
  /** `allow` releases; every other value denies (I7). */
  readonly result: string;
}

export interface InterruptEvent extends Stamped {
  readonly type: 'user.interrupt';
  readonly session_thread_id?: string;
}

export interface IdleEvent extends Stamped {
  readonly type: 'session.status_idle';
  /** `requires_action` keeps the turn open; every other value ends it. */
  readonly stop_reason: string;
  /** The calls that `requires_action` waits for; empty otherwise. */
  readonly event_ids: readonly string[];
}

export interface RunningEvent extends Stamped {
  readonly type: 'session.status_running' | 'session.status_rescheduled';
}

export interface EndedEvent extends Stamped {
  readonly type: 'session.status_terminated' | 'session.deleted';
}

export interface ThreadEndedEvent extends Stamped {
  readonly type: 'session.thread_status_terminated';
  readonly session_thread_id: string;
}

/** The first one of a session names its primary thread, whose calls carry no thread (api.md §1.5). */
export interface ThreadRunningEvent extends Stamped {
  readonly type: 'session.thread_status_running';
  readonly session_thread_id: string;
}

export type SessionEvent =
  | ToolUseEvent
  | AnswerEvent
  | ConfirmationEvent
  | InterruptEvent
  | IdleEvent
  | RunningEvent
  | EndedEvent
  | ThreadEndedEvent
  | ThreadRunningEvent;

/** The `types[]` filter of every list that feeds the fold. */
export const SESSION_EVENT_TYPES: readonly SessionEvent['type'][] = [
  'agent.tool_use',
  'agent.custom_tool_use',
  'agent.tool_result',
  'user.tool_result',
  'user.custom_tool_result',
  'user.tool_confirmation',
  'user.interrupt',
  'session.status_idle',
  'session.status_running',
  'session.status_rescheduled',
  'session.status_terminated',
  'session.deleted',
  'session.thread_status_terminated',
  'session.thread_status_running',
];

/** An input whose JSON is longer than this travels as a reference (64 kB; a signal must stay small). */
export const INPUT_INLINE_BYTES = 64 * 1024;

const HINT_CHARS = 200;
const HINT_FIELDS = 20;

/**
 * Reads one event of the wire.
 *
 * @param raw any JSON value; unknown fields are ignored.
 * @returns undefined for a type that the fold does not know, and for an event that lacks the fields by which
 *   it could be told apart or applied (no id, no call to answer): it can be neither folded once nor answered.
 */
export function toSessionEvent(raw: unknown): SessionEvent | undefined {
  if (!isRecord(raw) || typeof raw.id !== 'string' || raw.id === '') return undefined;
  const stamped = {
    id: raw.id,
    processed_at: typeof raw.processed_at === 'string' ? raw.processed_at : null,
  };
  const thread: { session_thread_id?: string } =
    typeof raw.session_thread_id === 'string' && raw.session_thread_id !== ''
      ? { session_thread_id: raw.session_thread_id }
      : {};
  switch (raw.type) {
    case 'agent.tool_use':
    case 'agent.custom_tool_use':
      return toolUse(raw.type, { ...stamped, ...thread }, raw);
    case 'agent.tool_result':
    case 'user.tool_result':
    case 'user.custom_tool_result': {
      const call = raw.type === 'user.custom_tool_result' ? raw.custom_tool_use_id : raw.tool_use_id;
      return typeof call === 'string' ? { type: raw.type, ...stamped, tool_use_id: call } : undefined;
    }
    case 'user.tool_confirmation':
      return typeof raw.tool_use_id === 'string'
        ? { type: raw.type, ...stamped, tool_use_id: raw.tool_use_id, result: String(raw.result) }
        : undefined;
    case 'user.interrupt':
      return { type: raw.type, ...stamped, ...thread };
    case 'session.status_idle':
      return { type: raw.type, ...stamped, ...stopReason(raw.stop_reason) };
    case 'session.status_running':
    case 'session.status_rescheduled':
    case 'session.status_terminated':
    case 'session.deleted':
      return { type: raw.type, ...stamped };
    case 'session.thread_status_terminated':
    case 'session.thread_status_running':
      return thread.session_thread_id === undefined
        ? undefined
        : { type: raw.type, ...stamped, session_thread_id: thread.session_thread_id };
    default:
      return undefined;
  }
}

/**
 * Whether a value is an event as `toSessionEvent` makes it: what is signalled may come from anybody, and the
 * fold trusts its input.
 */
export function isSessionEvent(value: unknown): value is SessionEvent {
  if (!isRecord(value) || typeof value.id !== 'string') return false;
  if (value.processed_at !== null && typeof value.processed_at !== 'string') return false;
  switch (value.type) {
    case 'agent.tool_use':
    case 'agent.custom_tool_use':
      return typeof value.name === 'string' && (value.input_ref === undefined || isRecord(value.input_ref));
    case 'agent.tool_result':
    case 'user.tool_result':
    case 'user.custom_tool_result':
    case 'user.tool_confirmation':
      return typeof value.tool_use_id === 'string';
    case 'session.status_idle':
      return (
        typeof value.stop_reason === 'string' &&
        Array.isArray(value.event_ids) &&
        value.event_ids.every(id => typeof id === 'string')
      );
    case 'session.thread_status_terminated':
    case 'session.thread_status_running':
      return typeof value.session_thread_id === 'string';
    default:
      return SESSION_EVENT_TYPES.some(type => type === value.type);
  }
}

function toolUse(
  type: ToolUseEvent['type'],
  base: Stamped & { session_thread_id?: string },
  raw: Record<string, unknown>,
): ToolUseEvent {
  const input = raw.input ?? {};
  const bytes = JSON.stringify(input).length;
  const permission = raw.evaluated_permission;
  return {
    type,
    ...base,
    name: String(raw.name ?? ''),
    ...(bytes > INPUT_INLINE_BYTES ? { input_ref: { bytes, hint: hintOf(input) } } : { input }),
    ...(permission === undefined
      ? {}
      : { evaluated_permission: permission === null ? null : String(permission) }),
  };
}

/** The short scalar fields of an input that travels as a reference. */
export function hintOf(input: unknown): Record<string, string | number> {
  if (!isRecord(input)) return {};
  const hint: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(input).slice(0, HINT_FIELDS)) {
    if (key.length > HINT_CHARS) continue;
    if (typeof value === 'number') hint[key] = value;
    else if (typeof value === 'string') hint[key] = value.slice(0, HINT_CHARS);
  }
  return hint;
}

function stopReason(raw: unknown): { stop_reason: string; event_ids: string[] } {
  if (!isRecord(raw) || typeof raw.type !== 'string') return { stop_reason: 'unknown', event_ids: [] };
  const ids = raw.type === 'requires_action' && Array.isArray(raw.event_ids) ? raw.event_ids : [];
  return { stop_reason: raw.type, event_ids: ids.filter(id => typeof id === 'string') };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
