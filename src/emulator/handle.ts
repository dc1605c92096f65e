/** One session in the hands of a test. */
import { Agent } from './agent.ts';
import type { SessionEvent } from './event-log.ts';
import type { Faults } from './faults.ts';
import type { InFlightCall, LedgerReport } from './ledger.ts';
import { readPostedEvents } from './posted-events.ts';
import type { ScriptState } from './script-run.ts';
import type { EmitOptions, NewEvent, Session, StopReason } from './session.ts';
import type { EmulatorFields, Sessions } from './sessions.ts';
import { SessionEnded } from './waiters.ts';

/** Fields of `POST /v1/sessions` and what only the emulator knows; nothing is required. */
export interface CreateOptions extends EmulatorFields {
  readonly agent?: string | Readonly<Record<string, unknown>>;
  readonly environmentId?: string;
  readonly title?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly resources?: readonly Readonly<Record<string, unknown>>[];
  readonly budget?: Readonly<Record<string, unknown>>;
  /** Short for an initial `user.message` with this text: the script starts at once. */
  readonly message?: string;
}

export interface SessionInfo {
  readonly id: string;
  readonly status: string;
  readonly stop_reason: StopReason | null;
  readonly script: ScriptState;
  readonly failures: readonly string[];
  /** Ids of the calls without a result. */
  readonly open_calls: readonly string[];
  readonly events: number;
  readonly streams: number;
}

/** `idle`: the turn is over, whatever its stop reason. `script_done`: the script ended, well or not. */
export const WAIT_STATES = [
  'idle',
  'requires_action',
  'running',
  'terminated',
  'script_done',
  'streaming',
] as const;
export type WaitState = (typeof WAIT_STATES)[number];

/** The state did not come in time. */
export class WaitTimeout extends Error {}

export class SessionHandle {
  readonly id: string;
  /** Plays the model by hand; meant for sessions with the script `manual`. */
  readonly agent: Agent;
  readonly #session: Session;
  readonly #sessions: Sessions;

  constructor(session: Session, sessions: Sessions) {
    this.id = session.id;
    this.agent = new Agent(session, true);
    this.#session = session;
    this.#sessions = sessions;
  }

  info(): SessionInfo {
    const session = this.#session;
    return {
      id: session.id,
      status: session.status,
      stop_reason: session.stopReason ?? null,
      script: session.script.state,
      failures: [...session.ledger.failures],
      open_calls: session.calls.openIds(),
      events: session.log.length,
      streams: session.streams.count,
    };
  }

  /** The whole history in list order, or only these types. */
  events(...types: readonly string[]): SessionEvent[] {
    const all = this.#session.log.all();
    return types.length === 0 ? all : all.filter(event => types.includes(event.type));
  }

  ledger(): LedgerReport {
    return this.#session.ledger.report(this.id);
  }

  /** Calls that are not over for their runner; cheap enough to be asked often. */
  inFlight(): InFlightCall[] {
    return this.#session.ledger.inFlight();
  }

  /** Posts events as a client would, without HTTP and its faults; throws the ApiError of a refusal. */
  send(...events: readonly NewEvent[]): SessionEvent[] {
    return this.#session.inbox.accept(readPostedEvents({ events }), { at: Date.now(), headers: {} });
  }

  /** Posts a `user.message`. */
  sendMessage(text: string): SessionEvent[] {
    return this.send({ type: 'user.message', content: [{ type: 'text', text }] });
  }

  /** Puts any events into history and streams as they are. */
  emit(events: readonly NewEvent[], options: EmitOptions = {}): SessionEvent[] {
    return events.map(event => this.#session.emitRaw(event, options));
  }

  /** Begins a turn without a message, where none is under way. */
  start(): void {
    if (this.#session.turn.canBegin) this.#session.turn.begin([]);
  }

  archive(): void {
    this.#session.archive();
  }

  setFaults(faults: Faults): void {
    this.#sessions.scope(this.id).set(faults);
  }

  clearFaults(): void {
    this.#sessions.scope(this.id).clear();
  }

  cutStreams(): number {
    return this.#session.streams.cut();
  }

  /** Waits for a state, 30 s by default; throws WaitTimeout, or SessionEnded where it cannot come any more. */
  async wait(state: WaitState, options: { timeoutMs?: number } = {}): Promise<SessionInfo> {
    const { timeoutMs = 30_000 } = options;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#session.changed();
    }, timeoutMs);
    try {
      await this.#session.until(() => late || this.#is(state));
    } catch (error) {
      if (!(error instanceof SessionEnded)) throw error;
      throw new SessionEnded(
        `session ${this.id} ended before it was ${state}: ${JSON.stringify(this.info())}`,
      );
    } finally {
      clearTimeout(timer);
    }
    if (late && !this.#is(state)) {
      throw new WaitTimeout(
        `session ${this.id} was not ${state} within ${timeoutMs} ms: ${JSON.stringify(this.info())}`,
      );
    }
    return this.info();
  }

  #is(state: WaitState): boolean {
    const { status, stopReason, script, streams } = this.#session;
    const blocked = stopReason?.type === 'requires_action';
    switch (state) {
      case 'idle':
        return status === 'idle' && stopReason !== undefined && !blocked;
      case 'requires_action':
        return status === 'idle' && blocked;
      case 'running':
      case 'terminated':
        return status === state;
      case 'script_done':
        return script.state === 'done' || script.state === 'failed';
      case 'streaming':
        return streams.count > 0;
    }
  }
}

/** The body of `POST /v1/sessions` that these options stand for. */
export function createBody(options: CreateOptions): Record<string, unknown> {
  const { agent, environmentId, title, metadata, resources, budget, message, ...extra } = options;
  return {
    agent: agent ?? { name: 'emulated-agent' },
    environment_id: environmentId ?? 'env_emulator',
    ...(title !== undefined && { title }),
    ...(metadata !== undefined && { metadata }),
    ...(resources !== undefined && { resources }),
    ...(budget !== undefined && { budget }),
    ...(message !== undefined && {
      initial_events: [{ type: 'user.message', content: [{ type: 'text', text: message }] }],
    }),
    _emulator: extra,
  };
}
