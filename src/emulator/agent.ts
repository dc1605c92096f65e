/**
 * The hand that plays the model in one session: each method emits what the server would. A method waits where
 * the turn is over (after an interrupt, at the budget) until the next one begins, and throws SessionEnded once
 * the session has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallResult } from './calls.ts';
import type { SessionEvent } from './event-log.ts';
import { type Expectation, mismatch } from './expectation.ts';
import { newId } from './ids.ts';
import { modelRequest } from './model-request.ts';
import type { EmitOptions, NewEvent, Session } from './session.ts';
import { threadTerminated } from './thread-status.ts';
import type { Thread } from './threads.ts';
import { type AgentCall, emitCall } from './tool-use.ts';

export type CallOptions = Omit<AgentCall, 'name' | 'input'>;

/** What `idle` was waiting for: the events that began the next turn. */
export interface NextTurn {
  /** The text of its messages. */
  readonly text: string;
  readonly events: readonly SessionEvent[];
}

/** An expectation of the script that did not hold. */
export class ExpectationFailed extends Error {}

export class Agent {
  readonly #session: Session;
  /** Whether it begins a turn by itself: a test that plays the model by hand needs no message first. */
  readonly #begins: boolean;
  /** The turn that the script knows it is in. */
  #turn: number;

  constructor(session: Session, begins: boolean) {
    this.#session = session;
    this.#begins = begins;
    this.#turn = session.turn.number;
  }

  get sessionId(): string {
    return this.#session.id;
  }

  /** `agent.message`; streams that asked for deltas get a preview before. */
  say(text: string): Promise<void> {
    return handled(this.#say(text));
  }

  async #say(text: string): Promise<void> {
    await this.#act();
    modelRequest(this.#session, () => {
      const event = { type: 'agent.message', id: newId('sevt'), content: [{ type: 'text', text }] };
      this.#session.streams.preview({ ...event, processed_at: null }, text);
      this.#session.emit(event);
    });
  }

  /** One call; resolves when it is closed, however that happened. */
  call(name: string, input: object = {}, options: CallOptions = {}): Promise<CallResult> {
    const result = this.#calls([{ ...options, name, input }]).then(([only]) => {
      if (only === undefined) throw new Error('a call gives one result');
      return only;
    });
    return handled(result);
  }

  /** A call that a person must allow: its `evaluated_permission` is `ask`, or what `options` says. */
  ask(name: string, input: object = {}, options: CallOptions = {}): Promise<CallResult> {
    return this.call(name, input, { permission: 'ask', ...options });
  }

  /** Several calls in one model request; resolves when all are closed, in the order given. */
  calls(calls: readonly AgentCall[]): Promise<CallResult[]> {
    return handled(this.#calls(calls));
  }

  async #calls(calls: readonly AgentCall[]): Promise<CallResult[]> {
    await this.#act();
    const threads = calls.map(call => this.#threadOf(call.thread));
    const emitted = modelRequest(this.#session, () =>
      calls.map((call, i) => emitCall(this.#session, call, threads[i])),
    );
    this.#session.turn.blocked();
    return await Promise.all(emitted.map(call => call.closed));
  }

  /** Throws where a result is not as expected; that ends the session with a `session.error`. */
  expect(results: CallResult | readonly CallResult[], expected: Expectation): void {
    const reason = mismatch('id' in results ? [results] : results, expected);
    if (reason !== undefined) throw new ExpectationFailed(reason);
  }

  /** Ends the turn with this stop reason and waits for the next one. */
  idle(stopReason = 'end_turn'): Promise<NextTurn> {
    return handled(this.#idle(stopReason));
  }

  async #idle(stopReason: string): Promise<NextTurn> {
    const { turn } = this.#session;
    const started = this.#turn;
    // A higher number: the turn this script knows was interrupted, and the next has begun already.
    if (turn.number === started) this.#endTurn(stopReason);
    await this.#session.until(() => turn.isOpen && turn.number > started);
    this.#turn = turn.number;
    const events = turn.opener;
    const text = events.flatMap(event => textsOf(event)).join('\n');
    return { text, events };
  }

  /** Keeps the session running for `ms`; an interrupt cuts it short. */
  async wait(ms: number): Promise<void> {
    await this.#act();
    const { turn } = this.#session;
    await turn.busy(() => sleep(ms, undefined, { signal: turn.interrupted }).catch(() => undefined));
  }

  /** The id of the child thread of that name; it is created where it does not live. */
  async thread(name: string): Promise<string> {
    await this.#act();
    return this.#threadOf(name)?.id ?? '';
  }

  /** Ends a child thread: `session.thread_status_terminated`; its open calls can get no result. */
  async endThread(name: string): Promise<void> {
    const thread = this.#session.threads.named(name);
    if (thread !== undefined) threadTerminated(this.#session, thread);
  }

  /** Any event, as it is. */
  emit(event: NewEvent, options: EmitOptions = {}): SessionEvent {
    return this.#session.emitRaw(event, options);
  }

  /** A `session.error` that the session survives. */
  async error(message: string): Promise<void> {
    const error = { type: 'unknown_error', message, retry_status: { type: 'retrying' } };
    this.#session.emit({ type: 'session.error', error });
  }

  /** The budget is used up: open calls may still be answered, then the session idles with `budget_reached`. */
  reachBudget(): void {
    this.#session.budgetReached = true;
    if (this.#session.calls.openCount === 0) this.#session.turn.end({ type: 'budget_reached' });
  }

  terminate(): void {
    this.#session.terminate();
  }

  #endTurn(stopReason: string): void {
    const { turn } = this.#session;
    if (stopReason === 'budget_reached') this.#session.budgetReached = true;
    if (turn.isOpen) turn.end({ type: stopReason });
  }

  async #act(): Promise<void> {
    const { turn } = this.#session;
    if (this.#begins && turn.canBegin) turn.begin([]);
    while (!turn.isOpen) await this.#session.until(() => turn.isOpen);
    this.#turn = turn.number;
    turn.run();
  }

  #threadOf(name: string | undefined): Thread | undefined {
    if (name === undefined) return undefined;
    const session = this.#session;
    const thread = session.threads.named(name) ?? this.#newThread(name);
    session.turn.run(thread);
    return thread;
  }

  #newThread(name: string): Thread {
    const thread = this.#session.threads.add(name, this.#session.settings.clock.stamp());
    this.#session.emit({
      type: 'session.thread_created',
      session_thread_id: thread.id,
      agent_name: name,
      workflow_run_id: null,
    });
    return thread;
  }
}

/** A test may leave a promise of the agent alone: that the session ends under it is then no unhandled error. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function textsOf(event: SessionEvent): string[] {
  if (event.type !== 'user.message' || !Array.isArray(event.content)) return [];
  return event.content.flatMap((block: { text?: unknown }) =>
    typeof block.text === 'string' ? [block.text] : [],
  );
}
