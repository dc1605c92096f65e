/**
 * Whether a session takes posted events now: every 400 of api.md §1.6 and §1.7. All events of one request are
 * checked before any is stored, each as if those before it had been taken.
 */
import { ApiError } from './api-error.ts';
import { type Call, type CallKind, isConfirmable, isGated } from './calls.ts';
import type { PostedEvent } from './posted-events.ts';
import type { Session } from './session.ts';

const WHILE_BLOCKED =
  'only user.tool_confirmation, user.custom_tool_result, user.tool_result, or user.interrupt may be sent';

/** Throws the 400 of the first event that the session does not take. */
export function admit(session: Session, events: readonly PostedEvent[]): void {
  if (session.status === 'terminated') {
    throw new ApiError(400, `Cannot send events to archived session: ${session.id}`);
  }
  const admission = new Admission(session);
  events.forEach((event, i) => {
    admission.check(event, i, events[i - 1], i === events.length - 1);
  });
}

class Admission {
  readonly #session: Session;
  /** Calls that block the session, as far as the request has come. */
  readonly #pending: Set<string>;
  readonly #settled = new Set<string>();
  readonly #allowed = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
    this.#pending = new Set(session.calls.openIds());
  }

  check(event: PostedEvent, i: number, before: PostedEvent | undefined, last: boolean): void {
    const place = `Invalid ${event.type} event at events[${i}]`;
    switch (event.type) {
      case 'user.tool_result':
        this.#result('agent.tool_use', 'tool_use_id', event.tool_use_id, place);
        break;
      case 'user.custom_tool_result':
        this.#result('agent.custom_tool_use', 'custom_tool_use_id', event.custom_tool_use_id, place);
        break;
      case 'user.tool_confirmation':
        this.#confirmation(event.tool_use_id, event.result, place);
        break;
      case 'user.interrupt':
        this.#interrupt(event.session_thread_id ?? undefined, place);
        break;
      case 'user.message':
      case 'user.define_outcome':
        this.#input(place);
        break;
      case 'system.message':
        systemMessage(before, last, place);
    }
  }

  #result(kind: CallKind, field: string, id: string, place: string): void {
    const call = this.#session.calls.get(id);
    if (call === undefined || call.kind !== kind || this.#session.commitTime(call) > Date.now()) {
      throw new ApiError(400, `\`${field}\` "${id}" does not match any \`${kind}\` event in this session`);
    }
    this.#refuseEndedThread(call, place);
    if (call.result !== undefined || call.confirmation === 'deny' || this.#settled.has(id)) {
      throw new ApiError(400, `${place}: ${this.#waitingOn()}; event ${id} already has a result`);
    }
    if (isGated(call) && call.confirmation !== 'allow' && !this.#allowed.has(id)) {
      throw new ApiError(400, `${place}: event ${id} is waiting on a user.tool_confirmation`);
    }
    this.#settle(id);
  }

  #confirmation(id: string, verdict: 'allow' | 'deny', place: string): void {
    const call = this.#session.calls.get(id);
    const custom = call?.kind === 'agent.custom_tool_use' && !isConfirmable(call);
    if (call === undefined || custom || this.#session.commitTime(call) > Date.now()) {
      const kinds = '`agent.tool_use` or `agent.mcp_tool_use`';
      throw new ApiError(400, `\`tool_use_id\` "${id}" does not match any ${kinds} event in this session`);
    }
    this.#refuseEndedThread(call, place);
    const decided = call.confirmation !== undefined || call.result !== undefined;
    if (decided || this.#allowed.has(id) || this.#settled.has(id) || !isConfirmable(call)) {
      throw new ApiError(400, `${place}: event ${id} is not waiting on a confirmation`);
    }
    if (verdict === 'allow') this.#allowed.add(id);
    else this.#settle(id);
  }

  #interrupt(threadId: string | undefined, place: string): void {
    const { threads, calls } = this.#session;
    if (threadId !== undefined && threads.get(threadId) === undefined) {
      throw new ApiError(
        400,
        `${place}: \`session_thread_id\` "${threadId}" is not a thread of this session`,
      );
    }
    for (const call of calls.openCalls()) {
      if (threadId === undefined || (call.threadId ?? threads.primary.id) === threadId) {
        this.#pending.delete(call.id);
      }
    }
  }

  #input(place: string): void {
    if (this.#pending.size > 0) {
      throw new ApiError(400, `${place}: ${this.#waitingOn()}; ${WHILE_BLOCKED}`);
    }
    if (this.#session.budgetReached) {
      throw new ApiError(400, `${place}: the session has reached its budget; ${WHILE_BLOCKED}`);
    }
  }

  #settle(id: string): void {
    this.#pending.delete(id);
    this.#settled.add(id);
  }

  #refuseEndedThread(call: Call, place: string): void {
    if (call.threadId === undefined) return;
    if (this.#session.threads.get(call.threadId)?.status !== 'terminated') return;
    throw new ApiError(400, `${place}: thread ${call.threadId} of event ${call.id} is terminated`);
  }

  #waitingOn(): string {
    return `waiting on responses to events [${[...this.#pending].join(', ')}]`;
  }
}

/** It must be the last event and follow what it accompanies; while blocked that leaves only a result. */
function systemMessage(before: PostedEvent | undefined, last: boolean, place: string): void {
  if (!last) throw new ApiError(400, `${place}: it must be the final event of the request`);
  const accompanied = ['user.message', 'user.tool_result', 'user.custom_tool_result'];
  if (before !== undefined && accompanied.includes(before.type)) return;
  throw new ApiError(
    400,
    `${place}: it must immediately follow a user.message, user.tool_result, or user.custom_tool_result`,
  );
}
