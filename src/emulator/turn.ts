/**
 * The agent's turn: when it runs, when it waits for results, how it ends. Emits the status events in the
 * API's order: session, then threads; at the end threads, `session.usage`, `session.status_idle` (api.md §1.5).
 */
import type { SessionEvent } from './event-log.ts';
import { usageOf } from './model-request.ts';
import type { Session, StopReason } from './session.ts';
import { stopDetails, threadIdle, threadRunning } from './thread-status.ts';
import type { Thread } from './threads.ts';

export class Turn {
  readonly #session: Session;
  #isOpen = false;
  #number = 0;
  #opener: readonly SessionEvent[] = [];
  /** Ids of the last `requires_action` that nobody has acted on since. */
  #awaited = new Set<string>();
  /** Acts of the agent under way that are not waits for a result. */
  #busy = 0;
  #blockedSoon: NodeJS.Immediate | undefined;
  #blockedLater: NodeJS.Timeout | undefined;
  #interrupts = new AbortController();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether the agent may act. An interrupt closes the turn under it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Counts the turns, so that a script can tell that its own was interrupted and another began. */
  get number(): number {
    return this.#number;
  }

  /** The user's events that began the turn. */
  get opener(): readonly SessionEvent[] {
    return this.#opener;
  }

  /** Aborts when the turn is interrupted or the session ends. */
  get interrupted(): AbortSignal {
    return this.#interrupts.signal;
  }

  /** Whether queued messages can be processed now. */
  get canBegin(): boolean {
    const { status, calls, budgetReached } = this.#session;
    return !this.#isOpen && status !== 'terminated' && calls.openCount === 0 && !budgetReached;
  }

  begin(opener: readonly SessionEvent[]): void {
    this.#isOpen = true;
    this.#number++;
    this.#opener = opener;
    this.run();
    this.#session.script.turnBegan();
  }

  /** Makes session and thread `running`, where they are not. */
  run(thread: Thread = this.#session.threads.primary): void {
    const session = this.#session;
    if (session.status === 'terminated') return;
    if (session.status !== 'running') {
      session.status = 'running';
      session.stopReason = undefined;
      this.#awaited.clear();
      session.emit({ type: 'session.status_running' });
      threadRunning(session, session.threads.primary);
      session.settings.needsWork(session, 'the session runs');
    }
    threadRunning(this.#session, thread);
  }

  /** Counts something that keeps the session running although calls are open. */
  async busy<T>(act: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await act();
    } finally {
      this.#busy--;
      this.blocked();
    }
  }

  /** The agent waits for results: goes idle with `requires_action`, unless something else still runs. */
  blocked(): void {
    const { requiresActionDelayMs } = this.#session.settings;
    this.#unblock();
    // An immediate comes before any answer can be read, so that without a delay the idle is never left out.
    if (requiresActionDelayMs === 0) this.#blockedSoon = setImmediate(() => this.#stillBlocked());
    else this.#blockedLater = setTimeout(() => this.#stillBlocked(), requiresActionDelayMs);
  }

  /** Somebody acted on these calls: re-emits the remainder, or runs on (api.md §1.6.3). */
  settle(ids: readonly string[]): void {
    const session = this.#session;
    if (session.status === 'terminated') return;
    for (const id of ids) this.#awaited.delete(id);
    const waiting = session.status === 'idle' && session.stopReason?.type === 'requires_action';
    if (session.calls.openCount === 0 && session.budgetReached) this.end({ type: 'budget_reached' });
    else if (!waiting) return;
    else if (session.calls.openCount === 0) {
      this.run();
      for (const id of ids) this.run(session.threads.get(session.calls.get(id)?.threadId ?? ''));
    } else if (this.#awaited.size > 0) this.#requireAction(false);
    else {
      this.run();
      this.blocked();
    }
  }

  /** Ends the turn; queued messages then begin the next one. */
  end(stopReason: StopReason): void {
    const session = this.#session;
    if (session.status === 'terminated') return;
    this.#isOpen = false;
    this.#unblock();
    this.#awaited.clear();
    for (const thread of session.threads.children()) threadIdle(this.#session, thread, { type: 'end_turn' });
    threadIdle(this.#session, session.threads.primary, stopReason);
    this.#idle(stopReason);
    session.inbox.process();
  }

  /** No turn begins any more. */
  stop(): void {
    this.#isOpen = false;
    this.#unblock();
    this.abortActs();
  }

  /** Wakes the agent out of whatever it waits for on its own. */
  abortActs(): void {
    this.#interrupts.abort();
    this.#interrupts = new AbortController();
  }

  #stillBlocked(): void {
    const { status, calls } = this.#session;
    if (status === 'running' && calls.openCount > 0 && this.#busy === 0) this.#requireAction(true);
  }

  #unblock(): void {
    clearImmediate(this.#blockedSoon);
    clearTimeout(this.#blockedLater);
  }

  #requireAction(changed: boolean): void {
    const { calls, threads } = this.#session;
    const ids = calls.openIds();
    if (changed) {
      this.#awaited = new Set(ids);
      const own = Map.groupBy(calls.openCalls(), call => call.threadId ?? threads.primary.id);
      for (const thread of threads.children()) {
        const event_ids = own.get(thread.id)?.map(call => call.id);
        if (event_ids !== undefined)
          threadIdle(this.#session, thread, { type: 'requires_action', event_ids });
      }
      threadIdle(this.#session, threads.primary, { type: 'requires_action', event_ids: ids });
    }
    this.#idle({ type: 'requires_action', event_ids: ids });
  }

  #idle(stopReason: StopReason): void {
    const session = this.#session;
    session.emit({ type: 'session.usage', usage: usageOf(session), budget: session.fields.budget });
    session.status = 'idle';
    session.stopReason = stopReason;
    session.emit({
      type: 'session.status_idle',
      stop_reason: stopReason,
      stop_details: stopDetails(stopReason),
    });
  }
}
