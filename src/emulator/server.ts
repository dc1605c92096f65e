/**
 * The managed-agents API on loopback, for tests and for trying out: real HTTP and SSE, a script in place of
 * the model, faults on demand, and a ledger of what was posted for each call. State lives in memory.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Clock, type StampResolution } from './clock.ts';
import { controlRoutes } from './control-routes.ts';
import { Credentials, type Keys } from './credentials.ts';
import { environmentControlRoutes } from './environment-control.ts';
import { EnvironmentHandle } from './environment-handle.ts';
import { type EnvironmentOptions, Environments } from './environments.ts';
import { eventRoutes } from './event-routes.ts';
import type { Faults } from './faults.ts';
import { type CreateOptions, createBody, SessionHandle, type SessionInfo, type WaitState } from './handle.ts';
import { type ApiParts, newApp } from './http.ts';
import type { LedgerReport } from './ledger.ts';
import { memoryRoutes } from './memory-routes.ts';
import type { MemoryStore, MemoryStoreOptions } from './memory-store.ts';
import { MemoryStores } from './memory-stores.ts';
import { type ReadLimit, ReadLimiter } from './read-limit.ts';
import { type RequestEntry, RequestLog } from './request-log.ts';
import type { Script } from './script.ts';
import { type Seed, sow } from './seed.ts';
import { sessionRoutes } from './session-routes.ts';
import { Sessions } from './sessions.ts';
import { skillRoutes } from './skill-routes.ts';
import { type SkillOptions, type SkillReference, Skills } from './skills.ts';
import { workRoutes } from './work-routes.ts';

/** All times in ms. */
export interface EmulatorOptions extends Keys {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly host?: string;
  /** Plays the model in sessions that name no script. Without one every turn ends at once. */
  readonly script?: Script;
  /** Scripts that a session can name in `metadata.script`. */
  readonly scripts?: Readonly<Record<string, Script>>;
  /** What it begins with; a thing in it that is refused is an error of `startEmulator`. */
  readonly seed?: Seed;
  /** What one `processed_at` stamp covers: 1 by default; `unique` for increasing microseconds. */
  readonly stampResolution?: StampResolution;
  /** How far the emulator's clock is ahead of the machine's. */
  readonly clockOffsetMs?: number;
  /** Unix ms, in place of the machine's clock: for stamps, leases and tokens. */
  readonly now?: () => number;
  /** Self-hosted environments: work is queued for their sessions. */
  readonly environments?: readonly EnvironmentOptions[];
  /** Between two pings of a stream; 15,000 by default. */
  readonly pingMs?: number;
  /** How long messages, interrupts and confirmations stay queued; 0 by default. */
  readonly processingDelayMs?: number;
  /** From the agent's calls to the `requires_action`; 0 by default. */
  readonly requiresActionDelayMs?: number;
  /** Whether `span.model_request_*` events are emitted; true by default. */
  readonly spans?: boolean;
  /** Larger bodies get a 413; 32 MB by default. */
  readonly maxBodyBytes?: number;
  /** Reads above it get a 429; none by default. */
  readonly readLimit?: ReadLimit;
  /** How many requests are remembered; 10,000 by default. */
  readonly requestLogLimit?: number;
  /** Called with every answered request. */
  readonly onRequest?: (entry: RequestEntry) => void;
}

/** A running emulator; everything its control API does can be done here in process. */
export interface Emulator {
  /** For the SDK's `baseURL`, without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  createSession(options?: CreateOptions): SessionHandle;
  /** Throws where there is no such session. */
  session(id: string): SessionHandle;
  sessions(): SessionInfo[];
  /** Declares a self-hosted environment. */
  createEnvironment(options?: EnvironmentOptions): EnvironmentHandle;
  /** Throws where there is no such environment. */
  environment(id: string): EnvironmentHandle;
  environments(): EnvironmentHandle[];
  /** Adds a skill, or a version of one; the reference goes into `agent: { skills: [...] }` of a session. */
  addSkill(skill: SkillOptions): SkillReference;
  /** Adds a memory store; sessions attach it by its id in `resources`. */
  createMemoryStore(store?: MemoryStoreOptions): MemoryStore;
  /** Throws where there is no such store. */
  memoryStore(id: string): MemoryStore;
  /** Lets time pass at once for leases, claims, tokens and stamps. */
  advanceClock(ms: number): void;
  /** Replaces the given kinds of faults, for one session or for all. */
  setFaults(faults: Faults, sessionId?: string): void;
  clearFaults(sessionId?: string): void;
  /** Destroys open streams now, and tells how many. */
  cutStreams(sessionId?: string): number;
  ledger(sessionId: string): LedgerReport;
  wait(sessionId: string, state: WaitState, options?: { timeoutMs?: number }): Promise<SessionInfo>;
  /** The last requests, oldest first. */
  requests(): RequestEntry[];
  clearRequests(): void;
  setKeys(keys: Keys): void;
  /** Refuses connections and destroys the open ones; the state stays. */
  goDown(): Promise<void>;
  /** Listens again, on the same port. */
  comeUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an emulator.
 *
 * @throws where the address cannot be listened on: the error of `listen` with its `code`, such as `EADDRINUSE`;
 *   an Error where `seed` holds what the API refuses.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const clock = new Clock(options.stampResolution ?? 1, options.clockOffsetMs ?? 0, options.now);
  const environments = new Environments(clock);
  for (const declared of options.environments ?? []) environments.create(declared);
  const memories = new MemoryStores(clock);
  const sessions = new Sessions(
    {
      clock,
      memoryStore: id => memories.find(id),
      needsWork: (session, why) => environments.wake(session, why),
      processingDelayMs: options.processingDelayMs ?? 0,
      requiresActionDelayMs: options.requiresActionDelayMs ?? 0,
      spans: options.spans ?? true,
    },
    { default: options.script, named: options.scripts },
  );
  const parts: ApiParts = {
    sessions,
    environments,
    skills: new Skills(clock),
    memories,
    clock,
    credentials: new Credentials(options, environments),
    requests: new RequestLog(options.requestLogLimit ?? 10_000),
    readLimiter: new ReadLimiter(options.readLimit),
    maxBodyBytes: options.maxBodyBytes ?? 32 * 1024 * 1024,
    pingMs: options.pingMs ?? 15_000,
    onRequest: options.onRequest ?? (() => {}),
  };
  if (options.seed !== undefined) sow(parts, options.seed);
  const app = newApp(parts);
  const host = options.host ?? '127.0.0.1';
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));

  let closed = false;
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const stopListening = () =>
    new Promise<void>(resolve => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });

  try {
    await listen(options.port ?? 0);
  } catch (error) {
    sessions.dispose();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const handle = (id: string) => new SessionHandle(sessions.get(id), sessions);
  const emulator: Emulator = {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    createSession: create => handle(sessions.create(createBody(create ?? {})).id),
    session: handle,
    sessions: () => sessions.all().map(session => handle(session.id).info()),
    createEnvironment: create => new EnvironmentHandle(environments.create(create ?? {}), environments),
    environment: id => new EnvironmentHandle(environments.get(id), environments),
    environments: () => environments.all().map(one => new EnvironmentHandle(one, environments)),
    addSkill: skill => parts.skills.add(skill),
    createMemoryStore: store => memories.create(store ?? {}),
    memoryStore: id => memories.get(id),
    advanceClock: ms => {
      clock.advance(ms);
      environments.changed();
    },
    setFaults: (faults, sessionId) => sessions.scope(sessionId).set(faults),
    clearFaults: sessionId => sessions.scope(sessionId).clear(),
    cutStreams: sessionId => {
      const hit = sessionId === undefined ? sessions.all() : [sessions.get(sessionId)];
      return hit.reduce((count, session) => count + session.streams.cut(), 0);
    },
    ledger: id => handle(id).ledger(),
    wait: (id, state, wait) => handle(id).wait(state, wait),
    requests: () => parts.requests.all(),
    clearRequests: () => parts.requests.clear(),
    setKeys: keys => parts.credentials.set(keys),
    goDown: stopListening,
    // A closed emulator stays closed, also where a timer of `/_emulator/down` comes after.
    comeUp: async () => {
      if (!closed && !server.listening) await listen(port);
    },
    close: async () => {
      closed = true;
      sessions.dispose();
      environments.dispose();
      await stopListening();
    },
  };
  sessionRoutes(app, parts);
  eventRoutes(app, parts);
  workRoutes(app, parts);
  skillRoutes(app, parts);
  memoryRoutes(app, parts);
  controlRoutes(app, emulator, parts);
  environmentControlRoutes(app, emulator, parts);
  return emulator;
}
