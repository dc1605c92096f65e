/** One item of an environment's work queue: its state, its lease, and on record what was done to it. */
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';

export type WorkState = 'queued' | 'starting' | 'active' | 'stopping' | 'stopped';

/** What has to be done: serve a session, or prove that the worker is there. */
export interface WorkData {
  readonly type: 'session' | 'healthcheck';
  readonly id: string;
}

/** Who did something to an item: `worker_id` is that of the poll which gave out the token, where one was used. */
export interface Actor {
  readonly credential: 'api' | 'environment' | 'session' | 'any' | 'emulator';
  readonly worker_id: string | null;
  /** The `x-stainless-helper` header. */
  readonly helper: string | null;
}

export const EMULATOR: Actor = { credential: 'emulator', worker_id: null, helper: null };

/** One entry of an item's record; `refused` is the HTTP status where it was not done. */
export interface WorkAct {
  readonly at: number;
  readonly act: 'queued' | 'polled' | 'acked' | 'beat' | 'stop' | 'stopped' | 'requeued';
  readonly by: Actor;
  readonly refused?: number;
  /** For a beat the value expected, for a stop whether it was forced, for the others why. */
  readonly detail?: string;
}

export class WorkItem {
  readonly id = newId('work');
  readonly environmentId: string;
  readonly data: WorkData;
  readonly createdAt: string;
  readonly history: WorkAct[] = [];
  metadata: Record<string, string>;
  state: WorkState = 'queued';
  queuedAt: number;
  /** When it was given out without being acknowledged since (Unix ms by the emulator's clock). */
  claimedAt: number | undefined;
  acknowledgedAt: string | null = null;
  startedAt: string | null = null;
  lastHeartbeat: string | null = null;
  stopRequestedAt: string | null = null;
  stoppedAt: string | null = null;
  ttlMs: number;
  /** When the lease lapses; Infinity where none runs. */
  leaseUntil = Infinity;
  /** Its session began to run while this item was stopping: another one is due afterwards. */
  wokenWhileStopping = false;
  readonly #clock: Clock;

  constructor(
    environmentId: string,
    data: WorkData,
    metadata: Record<string, string>,
    ttlMs: number,
    clock: Clock,
  ) {
    this.environmentId = environmentId;
    this.data = data;
    this.metadata = metadata;
    this.ttlMs = ttlMs;
    this.#clock = clock;
    this.createdAt = clock.stamp();
    this.queuedAt = clock.now();
  }

  get isLive(): boolean {
    return this.state !== 'stopped';
  }

  /** Waiting for a worker, or given out and not acknowledged. */
  get inQueue(): boolean {
    return this.state === 'queued';
  }

  note(act: WorkAct['act'], by: Actor, more: Pick<WorkAct, 'refused' | 'detail'> = {}): void {
    this.history.push({ at: this.#clock.now(), act, by, ...more });
  }

  /** Starts the lease, or extends it. */
  lease(): void {
    this.leaseUntil = this.#clock.now() + this.ttlMs;
  }

  requeue(why: string): void {
    this.state = 'queued';
    this.queuedAt = this.#clock.now();
    this.acknowledgedAt = this.startedAt = this.lastHeartbeat = null;
    this.leaseUntil = Infinity;
    this.note('requeued', EMULATOR, { detail: why });
  }

  stop(): void {
    this.state = 'stopped';
    this.stoppedAt = this.#clock.stamp();
    this.leaseUntil = Infinity;
    this.note('stopped', EMULATOR);
  }

  /** As the API shows it; `secret` is filled by a poll only (api.md §1.1). */
  resource(secret: string | null = null): Record<string, unknown> {
    return {
      type: 'work',
      id: this.id,
      environment_id: this.environmentId,
      state: this.state,
      data: this.data,
      secret,
      metadata: this.metadata,
      created_at: this.createdAt,
      acknowledged_at: this.acknowledgedAt,
      started_at: this.startedAt,
      latest_heartbeat_at: this.lastHeartbeat,
      stop_requested_at: this.stopRequestedAt,
      stopped_at: this.stoppedAt,
    };
  }
}
