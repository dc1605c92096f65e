/** The sessions of an emulator, their faults, and the scripts they can name. */
import { ApiError } from './api-error.ts';
import { FaultScope, SessionFaults } from './faults.ts';
import { readInitialEvents } from './posted-events.ts';
import { readScript, type Script, ScriptError } from './script.ts';
import { type NewEvent, Session, type SessionSettings } from './session.ts';
import { readCreate } from './session-resource.ts';

/** What only the emulator understands of a create request, in its field `_emulator`. */
export interface EmulatorFields {
  /** Steps, a function (in process), the name of a script, or `manual`: nobody but the test plays the model. */
  readonly script?: Script | string | undefined;
  /** Begins the first turn at once, without a message. */
  readonly start?: boolean | undefined;
  /** Events that already stand in the history, taken as they are. */
  readonly history?: readonly NewEvent[] | undefined;
  /** `false`: an environment queues no work for it before it runs. */
  readonly queue?: boolean | undefined;
}

export interface Scripts {
  readonly default?: Script | undefined;
  readonly named?: Readonly<Record<string, Script>> | undefined;
}

export class Sessions {
  readonly globalFaults = new FaultScope();
  readonly #settings: SessionSettings;
  readonly #scripts: Scripts;
  readonly #sessions = new Map<string, Session>();
  readonly #scopes = new Map<string, FaultScope>();

  constructor(settings: SessionSettings, scripts: Scripts) {
    this.#settings = settings;
    this.#scripts = scripts;
  }

  /** Creates a session from the body of `POST /v1/sessions`; throws the ApiError of what is wrong with it. */
  create(body: Record<string, unknown>): Session {
    const fields = readCreate(body, this.#settings.memoryStore);
    const events = readInitialEvents(body.initial_events);
    const extra = (body._emulator ?? {}) as EmulatorFields;
    const script = this.#scriptOf(extra.script ?? fields.metadata.script);
    const scope = new FaultScope();
    const session = new Session(
      fields,
      script,
      this.#settings,
      new SessionFaults([scope, this.globalFaults]),
    );
    this.#sessions.set(session.id, session);
    this.#scopes.set(session.id, scope);
    for (const event of extra.history ?? []) session.emitRaw(event);
    if (extra.queue !== false) this.#settings.needsWork(session, 'the session was created');
    if (events.length > 0) session.inbox.accept(events, { at: Date.now(), headers: {} });
    if (extra.start === true) session.turn.begin([]);
    return session;
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The session, or the API's 404. */
  get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new ApiError(404, `session ${id} was not found`);
    return session;
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  delete(session: Session): void {
    session.delete();
    this.#sessions.delete(session.id);
    this.#scopes.delete(session.id);
  }

  /** The faults of one session, or those of all. */
  scope(sessionId: string | undefined): FaultScope {
    if (sessionId === undefined) return this.globalFaults;
    return this.#scopes.get(this.get(sessionId).id) ?? this.globalFaults;
  }

  /** The faults of a session, where it exists. */
  scopeOf(sessionId: string): FaultScope | undefined {
    return this.#scopes.get(sessionId);
  }

  dispose(): void {
    for (const session of this.#sessions.values()) session.dispose();
  }

  #scriptOf(given: Script | string | undefined): Script | 'manual' | undefined {
    if (given === undefined) return this.#scripts.default;
    if (given === 'manual') return given;
    if (typeof given === 'string') {
      const named = this.#scripts.named ?? {};
      const script = Object.hasOwn(named, given) ? named[given] : undefined;
      if (script !== undefined) return script;
      const known = Object.keys(named).join(', ') || 'none';
      throw new ApiError(
        400,
        `script ${JSON.stringify(given)} is not known to the emulator; known are: ${known}`,
      );
    }
    try {
      return readScript(given);
    } catch (error) {
      if (error instanceof ScriptError) throw new ApiError(400, `_emulator.script: ${error.message}`);
      throw error;
    }
  }
}
