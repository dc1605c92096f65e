/** How the agent's calls go on the wire (api.md §1.5, §1.6.10). */
import type { Call, CallKind } from './calls.ts';
import { newId } from './ids.ts';
import type { Session } from './session.ts';
import type { Thread } from './threads.ts';

const BUILTIN = new Set(['bash', 'read', 'write', 'edit', 'glob', 'grep', 'web_search', 'web_fetch']);

/** A call as a script writes it. */
export interface AgentCall {
  readonly name: string;
  readonly input?: object | undefined;
  /** Left out: `builtin` for the names of the agent toolset, else `custom`. */
  readonly kind?: 'builtin' | 'custom' | 'mcp' | undefined;
  /** `evaluated_permission` as it goes on the wire, `null` too; `omitted` leaves the key out. Default: `allow`, for a custom tool `omitted`. */
  readonly permission?: string | null | undefined;
  /** Name of the child thread that makes the call. */
  readonly thread?: string | undefined;
  /** The event's id, where a test wants to know it beforehand. */
  readonly id?: string | undefined;
}

const KINDS: Readonly<Record<NonNullable<AgentCall['kind']>, CallKind>> = {
  builtin: 'agent.tool_use',
  custom: 'agent.custom_tool_use',
  mcp: 'agent.mcp_tool_use',
};

/** Emits the call; what the server runs or refuses itself is closed at once. */
export function emitCall(session: Session, call: AgentCall, thread: Thread | undefined): Call {
  const kind = KINDS[call.kind ?? (BUILTIN.has(call.name) ? 'builtin' : 'custom')];
  const permission =
    call.permission === undefined && kind !== 'agent.custom_tool_use' ? 'allow' : call.permission;
  const event = {
    id: call.id ?? newId('sevt'),
    type: kind,
    name: call.name,
    input: call.input ?? {},
    ...(kind === 'agent.mcp_tool_use' && { mcp_server_name: 'emulated' }),
    ...(permission !== undefined && permission !== 'omitted' && { evaluated_permission: permission }),
    ...evaluationOf(permission),
    ...(thread !== undefined && { session_thread_id: thread.id }),
  };
  const emitted = session.openCall(kind, event);
  session.emit(event);
  if (permission === 'deny') {
    settleByServer(session, emitted, true, `The tool ${call.name} is not permitted in this session.`);
  } else if (kind === 'agent.mcp_tool_use' && permission === 'allow') {
    settleByServer(session, emitted, false, 'ok');
  }
  return emitted;
}

function settleByServer(session: Session, call: Call, isError: boolean, text: string): void {
  const content = [{ type: 'text', text }];
  const result =
    call.kind === 'agent.mcp_tool_use'
      ? { type: 'agent.mcp_tool_result', mcp_tool_use_id: call.id }
      : { type: 'agent.tool_result', tool_use_id: call.id };
  session.emit({ ...result, is_error: isError, content });
  session.closeCall(call.id, 'server', isError, content);
}

function evaluationOf(permission: string | null | undefined): { evaluation?: { type: string } } {
  if (permission === 'allow') return { evaluation: { type: 'always_allow' } };
  return permission === 'ask' ? { evaluation: { type: 'always_ask' } } : {};
}
