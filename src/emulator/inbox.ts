/**
 * What clients post (api.md §1.5, §1.6). Results and outcomes are stamped on receipt; messages, interrupts,
 * confirmations and system messages are queued without a stamp, seen on the stream, and seen again stamped
 * when they are processed. Interrupts go first; a message waits for the end of the turn.
 */
import { admit } from './admission.ts';
import type { SessionEvent } from './event-log.ts';
import { newId } from './ids.ts';
import { applyInterrupt } from './interrupt.ts';
import type { Sender } from './ledger.ts';
import type { PostedEvent } from './posted-events.ts';
import type { Session } from './session.ts';

/** Something queued; `ready` once its delay is over. */
interface Queued {
  readonly event: SessionEvent;
  /** A system message belongs to the event before it in its request. */
  readonly withMessage: boolean;
  ready: boolean;
}

export class Inbox {
  readonly #session: Session;
  #queue: Queued[] = [];
  /** Outcomes are stamped at once, yet begin a turn only when one can begin. */
  #outcomes: SessionEvent[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Takes the events of one request, all or none, and returns them as the response echoes them.
   * Throws the ApiError of the first event that the session does not take.
   */
  accept(events: readonly PostedEvent[], sender: Sender): SessionEvent[] {
    admit(this.#session, events);
    const acted: string[] = [];
    const echoes = events.map((event, i) => {
      const echo = this.#take(event, events[i - 1], acted);
      this.#session.ledger.accepted(event, echo.id, sender);
      return echo;
    });
    if (acted.length > 0) this.#session.turn.settle(acted);
    setImmediate(() => this.process());
    return echoes;
  }

  /** Processes what is queued and can be processed now. */
  process(): void {
    if (this.#session.status === 'terminated') return;
    this.#processWhere('user.interrupt', event => {
      applyInterrupt(this.#session, threadOf(event));
    });
    this.#processWhere('user.tool_confirmation', event => this.#applyConfirmation(event));
    const { turn } = this.#session;
    const input = this.#queue.filter(({ ready, event }) => ready && isInput(event));
    const loose = input.filter(({ withMessage, event }) => event.type === 'system.message' && !withMessage);
    if (turn.canBegin && (input.length > loose.length || this.#outcomes.length > 0)) {
      const opener = [...this.#outcomes, ...input.map(queued => this.#stamp(queued))];
      this.#outcomes = [];
      turn.begin(opener);
    } else for (const queued of loose) this.#stamp(queued);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#queue = [];
  }

  #take(event: PostedEvent, before: PostedEvent | undefined, acted: string[]): SessionEvent {
    const session = this.#session;
    switch (event.type) {
      case 'user.tool_result':
      case 'user.custom_tool_result': {
        const id = event.type === 'user.tool_result' ? event.tool_use_id : event.custom_tool_use_id;
        const echo = session.emit({ ...event, ...this.#routedTo(id) });
        session.closeCall(id, 'result', event.is_error === true, event.content ?? []);
        acted.push(id);
        return echo;
      }
      case 'user.define_outcome': {
        const echo = session.emit({
          ...event,
          max_iterations: event.max_iterations ?? 3,
          outcome_id: newId('outc'),
        });
        this.#outcomes.push(echo);
        return echo;
      }
      case 'user.tool_confirmation': {
        // The verdict stands from here on: a result in the same request relies on it.
        const call = session.calls.get(event.tool_use_id);
        if (call !== undefined) call.confirmation = event.result;
        return this.#enqueue({ ...event, ...this.#routedTo(event.tool_use_id) }, false);
      }
      case 'user.interrupt':
        return this.#interrupt(event);
      case 'user.message':
        return this.#enqueue(event, false);
      case 'system.message':
        return this.#enqueue(event, before?.type === 'user.message');
    }
  }

  #interrupt(event: PostedEvent & { type: 'user.interrupt' }): SessionEvent {
    const session = this.#session;
    // Paused at its budget the session takes it and forgets it: it is not listed (§1.7).
    if (session.budgetReached && session.calls.openCount === 0) {
      return session.emit({ ...event, processed_at: null }, { log: false, stream: false });
    }
    return this.#enqueue(event, false, session.faults.get('interrupt_delay_ms'));
  }

  #enqueue(event: PostedEvent, withMessage: boolean, delay?: number | 'never'): SessionEvent {
    const echo = this.#session.emit({ ...event, processed_at: null });
    const wait = delay ?? this.#session.settings.processingDelayMs;
    const queued: Queued = { event: echo, withMessage, ready: wait === 0 };
    this.#queue.push(queued);
    if (typeof wait === 'number' && wait > 0) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        queued.ready = true;
        this.process();
      }, wait);
      this.#timers.add(timer);
    }
    return echo;
  }

  #processWhere(type: string, apply: (event: SessionEvent) => void): void {
    for (const queued of this.#queue.filter(({ ready, event }) => ready && event.type === type)) {
      // Applying one may process others: each is taken out before.
      if (this.#session.status !== 'terminated' && this.#queue.includes(queued)) apply(this.#stamp(queued));
    }
  }

  #stamp(queued: Queued): SessionEvent {
    this.#queue = this.#queue.filter(other => other !== queued);
    this.#session.log.dequeue(queued.event.id);
    return this.#session.emit({ ...queued.event, processed_at: this.#session.settings.clock.stamp() });
  }

  #applyConfirmation(event: SessionEvent): void {
    const session = this.#session;
    const call = session.calls.get(String(event.tool_use_id));
    if (call === undefined || call.result !== undefined) return;
    const denied = event.result === 'deny';
    const message = typeof event.deny_message === 'string' ? event.deny_message : 'no reason was given';
    const text = denied ? `The user denied this tool call: ${message}` : 'ok';
    const content = [{ type: 'text', text }];
    if (call.kind === 'agent.mcp_tool_use') {
      session.emit({ type: 'agent.mcp_tool_result', mcp_tool_use_id: call.id, is_error: denied, content });
    } else if (denied) {
      session.emit({ type: 'agent.tool_result', tool_use_id: call.id, is_error: true, content });
    }
    if (denied) session.closeCall(call.id, 'deny', true, content);
    else if (call.kind === 'agent.mcp_tool_use') session.closeCall(call.id, 'server', false, content);
    session.turn.settle([call.id]);
  }

  #routedTo(callId: string): { session_thread_id: string } | Record<never, never> {
    const threadId = this.#session.calls.get(callId)?.threadId;
    return threadId === undefined ? {} : { session_thread_id: threadId };
  }
}

function isInput(event: SessionEvent): boolean {
  return event.type === 'user.message' || event.type === 'system.message';
}

function threadOf(event: SessionEvent): string | undefined {
  return typeof event.session_thread_id === 'string' ? event.session_thread_id : undefined;
}
