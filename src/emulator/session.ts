/**
 * One session: its log, its streams, its calls and threads. What a turn does is in turn.ts, what clients post
 * comes through inbox.ts, what the agent does through agent.ts.
 */
import { ApiError } from './api-error.ts';
import { type Call, type CallKind, type CallResult, Calls, type ClosedBy } from './calls.ts';
import type { Clock } from './clock.ts';
import { EventLog, type SessionEvent } from './event-log.ts';
import type { SessionFaults } from './faults.ts';
import { newId } from './ids.ts';
import { Inbox } from './inbox.ts';
import { Ledger } from './ledger.ts';
import type { MemoryStore } from './memory-store.ts';
import { foldRaw } from './raw-events.ts';
import type { Script } from './script.ts';
import { ScriptRun } from './script-run.ts';
import type { SessionFields } from './session-resource.ts';
import type { FrameOptions } from './stream.ts';
import { Streams } from './streams.ts';
import { threadTerminated } from './thread-status.ts';
import { Threads } from './threads.ts';
import { Turn } from './turn.ts';
import { Waiters } from './waiters.ts';

/** How every session of an emulator behaves; times in ms. */
export interface SessionSettings {
  readonly clock: Clock;
  /** How long user messages and confirmations stay queued (`processed_at: null`). */
  readonly processingDelayMs: number;
  /** How long after its calls the agent goes idle with `requires_action`. */
  readonly requiresActionDelayMs: number;
  /** Whether the agent's acts are enclosed in `span.model_request_*`. */
  readonly spans: boolean;
  /** The memory store of that id, where there is one. */
  readonly memoryStore: (id: string) => MemoryStore | undefined;
  /** Told whenever a session needs a worker, and why. */
  readonly needsWork: (session: Session, why: string) => void;
}

export interface StopReason {
  readonly type: string;
  readonly event_ids?: readonly string[];
}

/** An event to be emitted; id and stamp are added where it has none. */
export interface NewEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface EmitOptions extends FrameOptions {
  /** Whether it stands in the history (default true) and goes to the streams (default true). */
  readonly log?: boolean;
  readonly stream?: boolean;
}

export class Session {
  readonly id = newId('sesn');
  readonly createdAt: string;
  readonly fields: SessionFields;
  readonly settings: SessionSettings;
  readonly faults: SessionFaults;
  readonly log = new EventLog();
  readonly calls = new Calls();
  readonly ledger = new Ledger();
  readonly streams = new Streams(() => this.changed());
  readonly threads: Threads;
  readonly turn: Turn;
  readonly inbox: Inbox;
  readonly script: ScriptRun;
  status: 'idle' | 'running' | 'rescheduling' | 'terminated' = 'idle';
  stopReason: StopReason | undefined;
  budgetReached = false;
  /** Model requests so far: usage is made up from them. */
  modelRequests = 0;
  archivedAt: string | null = null;
  updatedAt: string;
  #gone = false;
  readonly #waiters = new Waiters();

  constructor(
    fields: SessionFields,
    script: Script | 'manual' | undefined,
    settings: SessionSettings,
    faults: SessionFaults,
  ) {
    this.fields = fields;
    this.settings = settings;
    this.faults = faults;
    this.createdAt = settings.clock.stamp();
    this.updatedAt = this.createdAt;
    this.threads = new Threads(fields.agent.name, this.createdAt);
    this.turn = new Turn(this);
    this.inbox = new Inbox(this);
    this.script = new ScriptRun(this, script);
  }

  /** Stamps, logs and streams an event. `processed_at: null` queues it (api.md §1.5). */
  emit(fields: NewEvent, options: EmitOptions = {}): SessionEvent {
    const { id = newId('sevt'), processed_at = this.settings.clock.stamp() } = fields;
    const event = { id, ...fields, processed_at } as SessionEvent;
    const call = this.calls.get(event.id);
    if (options.log !== false) {
      if (event.processed_at === null) this.log.enqueue(event);
      else this.log.append(event, call && this.faults.get('commit_race_hides') ? this.commitTime(call) : 0);
    }
    if (options.stream !== false) this.streams.send(event, options);
    this.updatedAt = event.processed_at ?? this.updatedAt;
    this.changed();
    return event;
  }

  /** Emits any event as it is and takes its meaning over: calls open and close, the status follows. */
  emitRaw(fields: NewEvent, options: EmitOptions = {}): SessionEvent {
    const event = { ...fields, id: typeof fields.id === 'string' ? fields.id : newId('sevt') };
    foldRaw(this, event);
    return this.emit(event, options);
  }

  /** Opens a call; its event is emitted by the caller. */
  openCall(kind: CallKind, event: NewEvent): Call {
    const call = this.calls.open({
      id: String(event.id),
      name: String(event.name),
      kind,
      input: event.input,
      threadId: typeof event.session_thread_id === 'string' ? event.session_thread_id : undefined,
      permission: event.evaluated_permission as string | null | undefined,
      emittedAt: Date.now(),
    });
    this.ledger.emitted(call);
    return call;
  }

  /** From when on posts for the call are taken, by the fault as it stands now: cleared, the call is committed. */
  commitTime(call: Call): number {
    return call.emittedAt + (this.faults.get('commit_race_ms') ?? 0);
  }

  closeCall(id: string, by: ClosedBy, isError: boolean, content: CallResult['content']): void {
    if (this.calls.close(id, by, isError, content) !== undefined) this.ledger.closed(id, by);
  }

  /** Ends the session: open calls can get no result any more, and every thread ends (api.md §1.7). */
  terminate(): void {
    if (this.status === 'terminated') return;
    for (const id of this.calls.openIds()) this.closeCall(id, 'terminated', true, []);
    this.status = 'terminated';
    for (const thread of [...this.threads.children(), this.threads.primary]) threadTerminated(this, thread);
    this.turn.stop();
    this.emit({ type: 'session.status_terminated' });
  }

  archive(): void {
    if (this.archivedAt !== null) return;
    this.#refuseWhileRunning('archive');
    this.archivedAt = this.settings.clock.stamp();
    this.terminate();
  }

  delete(): void {
    this.#refuseWhileRunning('delete');
    this.emit({ type: 'session.deleted' });
    this.dispose();
    this.streams.end();
  }

  /** Records what went wrong in the script, and ends the session with it. */
  fail(message: string): void {
    this.ledger.failures.push(message);
    if (this.status === 'terminated') return;
    const error = { type: 'unknown_error', message, retry_status: { type: 'terminal' } };
    this.emit({ type: 'session.error', error });
    this.terminate();
  }

  /** Stops timers and waiters; the session is gone afterwards. */
  dispose(): void {
    this.#gone = true;
    this.turn.stop();
    this.inbox.stop();
    this.changed();
  }

  /** Resolves when `reached()` holds; rejects with SessionEnded when it never can. */
  until(reached: () => boolean): Promise<void> {
    return this.#waiters.until(reached, () => this.#gone || this.status === 'terminated');
  }

  /** Tells waiters to look again. */
  changed(): void {
    this.#waiters.look();
  }

  #refuseWhileRunning(verb: string): void {
    if (this.status !== 'running' && this.status !== 'rescheduling') return;
    throw new ApiError(
      400,
      `Cannot ${verb} session ${this.id} while it is ${this.status}; send a user.interrupt first`,
    );
  }
}
