/** One environment in the hands of a test. */
import { ApiError } from './api-error.ts';
import type { Environment, Environments } from './environments.ts';
import type { Faults } from './faults.ts';
import { newId } from './ids.ts';
import { EMULATOR, type WorkAct, type WorkData, type WorkItem, type WorkState } from './work-item.ts';

/** What to queue: an item of a session, or a healthcheck. */
export interface EnqueueOptions {
  /** The id of a session; it need not exist. Left out: a healthcheck. */
  readonly sessionId?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** An item and everything that was done to it, in order. Times of `history` are Unix ms by the emulator's clock. */
export interface WorkReport {
  readonly id: string;
  readonly state: WorkState;
  readonly data: WorkData;
  readonly last_heartbeat: string | null;
  readonly ttl_seconds: number;
  readonly history: readonly WorkAct[];
}

export interface EnvironmentInfo {
  readonly id: string;
  readonly keys: readonly string[];
  readonly stats: Readonly<Record<string, unknown>>;
}

export class EnvironmentHandle {
  readonly id: string;
  readonly #environment: Environment;
  readonly #environments: Environments;

  constructor(environment: Environment, environments: Environments) {
    this.id = environment.id;
    this.#environment = environment;
    this.#environments = environments;
  }

  /** Its environment key; throws where all are revoked. */
  get key(): string {
    const [key] = this.#environment.keys;
    if (key === undefined) throw new Error(`environment ${this.id} has no key`);
    return key;
  }

  info(): EnvironmentInfo {
    const { id, keys, queue } = this.#environment;
    return { id, keys, stats: queue.stats() };
  }

  /** All items, oldest first. */
  work(): WorkReport[] {
    return this.#environment.queue.all().map(report);
  }

  /** The items of one session, oldest first. */
  workOf(sessionId: string): WorkReport[] {
    return this.work().filter(({ data }) => data.type === 'session' && data.id === sessionId);
  }

  item(workId: string): WorkReport {
    return report(this.#environment.queue.get(workId));
  }

  enqueue(options: EnqueueOptions = {}): WorkReport {
    const { sessionId, metadata } = options;
    const data: WorkData =
      sessionId === undefined ? { type: 'healthcheck', id: newId('hc') } : { type: 'session', id: sessionId };
    return report(this.#environment.queue.enqueue(data, { ...metadata }));
  }

  /** Stops an item as a person would: `force` ends it, else its worker learns of it at its next beat. */
  stop(workId: string, force = false): WorkReport {
    return report(this.#environment.queue.stop(workId, EMULATOR, force));
  }

  /** Lets the lease of an item lapse now: it is queued again. */
  expire(workId: string): WorkReport {
    return report(this.#environment.queue.expire(workId));
  }

  /** Revokes the sessions tokens of an item; returns how many. */
  revokeTokens(workId: string): number {
    return this.#environments.revokeTokens(this.#environment.queue.get(workId));
  }

  /** Replaces the environment keys; an empty list revokes all. */
  setKeys(keys: readonly string[]): void {
    this.#environments.setKeys(this.#environment, keys);
  }

  setFaults(faults: Faults): void {
    this.#environment.faults.set(faults);
  }

  clearFaults(): void {
    this.#environment.faults.clear();
  }

  /** Waits until the items are as wanted, 30 s by default; throws an error that shows them. */
  async until(reached: (work: readonly WorkReport[]) => boolean, timeoutMs = 30_000): Promise<WorkReport[]> {
    const met = await this.#environment.queue.until(() => reached(this.work()), timeoutMs);
    const work = this.work();
    if (!met) throw new Error(`the work of ${this.id} is still ${JSON.stringify(work)}`);
    return work;
  }

  /** Waits until an item is in this state. */
  async wait(workId: string, state: WorkState, timeoutMs = 30_000): Promise<WorkReport> {
    if (this.#environment.queue.find(workId) === undefined) throw new ApiError(404, `no work item ${workId}`);
    await this.until(work => work.some(item => item.id === workId && item.state === state), timeoutMs);
    return this.item(workId);
  }
}

function report(item: WorkItem): WorkReport {
  const { id, state, data, lastHeartbeat, ttlMs, history } = item;
  return {
    id,
    state,
    data,
    last_heartbeat: lastHeartbeat,
    ttl_seconds: ttlMs / 1000,
    history: structuredClone(history),
  };
}
