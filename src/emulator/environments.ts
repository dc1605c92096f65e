/**
 * Self-hosted environments: each has its keys, its work queue and its faults. Sessions of other environments
 * work as before: nothing is queued for them.
 */
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { FaultScope } from './faults.ts';
import { newId, newSecret } from './ids.ts';
import type { Session } from './session.ts';
import type { WorkItem } from './work-item.ts';
import { type QueueSettings, WorkQueue } from './work-queue.ts';

/** What an environment is made of; times in ms, nothing is required. */
export interface EnvironmentOptions extends Readonly<{ [K in keyof QueueSettings]?: number | undefined }> {
  readonly id?: string | undefined;
  /** The environment keys; one is made up where none is given. */
  readonly keys?: readonly string[] | undefined;
  /** How long a sessions token is good for, by the emulator's clock; for ever by default. */
  readonly tokenTtlMs?: number | undefined;
}

export class Environment {
  readonly id: string;
  readonly queue: WorkQueue;
  readonly faults = new FaultScope();
  readonly tokenTtlMs: number;
  keys: readonly string[];

  constructor(options: EnvironmentOptions, clock: Clock) {
    this.id = options.id ?? newId('env');
    this.keys = options.keys ?? [newSecret('sk-ant-oat01')];
    this.tokenTtlMs = options.tokenTtlMs ?? Infinity;
    const settings = {
      leaseTtlMs: options.leaseTtlMs ?? 300_000,
      requeueDelayMs: options.requeueDelayMs ?? 0,
    };
    this.queue = new WorkQueue(this.id, settings, clock, item => this.#ended(item));
  }

  /** A session needs a worker: queues an item unless one stands for it already. */
  wake(session: Session, why: string): void {
    const live = this.queue.liveOf(session.id);
    if (live === undefined) this.queue.enqueue({ type: 'session', id: session.id }, {}, why);
    else if (live.state === 'stopping') live.wokenWhileStopping = true;
  }

  #ended(item: WorkItem): void {
    if (item.wokenWhileStopping)
      this.queue.enqueue(item.data, {}, 'the session ran on while its item was stopping');
  }
}

/** Who holds a sessions token. */
export interface TokenHolder {
  readonly environment: Environment;
  readonly item: WorkItem;
  readonly workerId: string | null;
}

export class Environments {
  readonly #clock: Clock;
  readonly #all = new Map<string, Environment>();
  /** Every environment key there ever was: a revoked one must not pass as a key of another kind. */
  readonly #keysEver = new Set<string>();
  readonly #tokens = new Map<string, TokenHolder & { readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(options: EnvironmentOptions): Environment {
    if (options.id !== undefined && this.#all.has(options.id)) {
      throw new ApiError(409, `environment ${options.id} exists already`);
    }
    const environment = new Environment(options, this.#clock);
    this.#all.set(environment.id, environment);
    this.setKeys(environment, environment.keys);
    return environment;
  }

  find(id: string): Environment | undefined {
    return this.#all.get(id);
  }

  /** The environment, or the API's 404. */
  get(id: string): Environment {
    const environment = this.#all.get(id);
    if (environment === undefined) throw new ApiError(404, `environment ${id} was not found`);
    return environment;
  }

  all(): Environment[] {
    return [...this.#all.values()];
  }

  /** Takes effect with the next request. */
  setKeys(environment: Environment, keys: readonly string[]): void {
    environment.keys = keys;
    for (const key of keys) this.#keysEver.add(key);
  }

  byKey(key: string): Environment | undefined {
    return this.all().find(({ keys }) => keys.includes(key));
  }

  wasKey(key: string): boolean {
    return this.#keysEver.has(key);
  }

  issueToken(environment: Environment, item: WorkItem, workerId: string | null): string {
    const token = newSecret('sk-ant-req');
    this.#tokens.set(token, {
      environment,
      item,
      workerId,
      until: this.#clock.now() + environment.tokenTtlMs,
    });
    return token;
  }

  byToken(token: string): TokenHolder | undefined {
    const holder = this.#tokens.get(token);
    return holder !== undefined && holder.until > this.#clock.now() ? holder : undefined;
  }

  /** Revokes all tokens that were given out with an item; returns how many. */
  revokeTokens(item: WorkItem): number {
    const tokens = [...this.#tokens].filter(([, holder]) => holder.item === item);
    for (const [token] of tokens) this.#tokens.delete(token);
    return tokens.length;
  }

  /** Called whenever a session needs a worker. */
  wake(session: Session, why: string): void {
    this.#all.get(session.fields.environmentId)?.wake(session, why);
  }

  changed(): void {
    for (const { queue } of this.#all.values()) queue.changed();
  }

  dispose(): void {
    for (const { queue } of this.#all.values()) queue.dispose();
  }
}
