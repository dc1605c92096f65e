/**
 * The work queue of one environment (api.md §1.2): claims that are lost unless acknowledged, leases held by a
 * chain of heartbeats, and stops. Time is the emulator's clock, looked at whenever somebody asks.
 */
import { ApiError } from './api-error.ts';
import { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { SessionFaults } from './faults.ts';
import { type Beat, heartbeat } from './heartbeat.ts';
import { type Actor, EMULATOR, type WorkData, WorkItem } from './work-item.ts';

const RECLAIM_DEFAULT_MS = 5000;
/** How long a worker counts as polling after its last poll. */
const POLLING_MS = 30_000;

/** How an environment treats its items; times in ms. */
export interface QueueSettings {
  /** The lease's length until a heartbeat asks for another; 300,000 by default. */
  readonly leaseTtlMs: number;
  /** How long a lapsed lease stays with its item before that is queued again. */
  readonly requeueDelayMs: number;
}

export interface PollRequest {
  readonly workerId: string | undefined;
  /** 0: answers at once. */
  readonly blockMs: number;
  readonly reclaimOlderThanMs: number | undefined;
  /** Whether the poller has hung up: nothing is given to it then. */
  readonly isGone: () => boolean;
}

export class WorkQueue {
  readonly #environmentId: string;
  readonly #settings: QueueSettings;
  readonly #clock: Clock;
  readonly #onStopped: (item: WorkItem) => void;
  readonly #items = new Map<string, WorkItem>();
  readonly #live = new Set<WorkItem>();
  readonly #pollers = new Map<string, number>();
  readonly #changes = new Changes();
  #closed = false;

  /** @param onStopped called for each item that comes to its end. */
  constructor(
    environmentId: string,
    settings: QueueSettings,
    clock: Clock,
    onStopped: (item: WorkItem) => void,
  ) {
    this.#environmentId = environmentId;
    this.#settings = settings;
    this.#clock = clock;
    this.#onStopped = onStopped;
  }

  enqueue(data: WorkData, metadata: Record<string, string> = {}, why = 'enqueued'): WorkItem {
    const item = new WorkItem(this.#environmentId, data, metadata, this.#settings.leaseTtlMs, this.#clock);
    item.note('queued', EMULATOR, { detail: why });
    this.#items.set(item.id, item);
    this.#live.add(item);
    this.changed();
    return item;
  }

  /** Oldest first, the stopped ones too. */
  all(): WorkItem[] {
    this.#settle();
    return [...this.#items.values()];
  }

  /** The item, or the API's 404. */
  get(id: string): WorkItem {
    this.#settle();
    const item = this.#items.get(id);
    if (item === undefined)
      throw new ApiError(404, `work item ${id} was not found in ${this.#environmentId}`);
    return item;
  }

  find(id: string): WorkItem | undefined {
    return this.#items.get(id);
  }

  /** The item that stands for a session now. */
  liveOf(sessionId: string): WorkItem | undefined {
    this.#settle();
    return [...this.#live].find(({ data }) => data.type === 'session' && data.id === sessionId);
  }

  /** Gives out the oldest item that waits, or that was claimed so long ago without an ack. */
  async poll(request: PollRequest): Promise<WorkItem | undefined> {
    const { workerId, reclaimOlderThanMs = RECLAIM_DEFAULT_MS } = request;
    const until = Date.now() + request.blockMs;
    for (;;) {
      if (request.isGone() || this.#closed) return undefined;
      if (workerId !== undefined) this.#pollers.set(workerId, this.#clock.now());
      const item = this.#offer(reclaimOlderThanMs);
      if (item !== undefined) {
        item.claimedAt = this.#clock.now();
        return item;
      }
      const left = until - Date.now();
      if (left <= 0) return undefined;
      await this.#changes.next(Math.min(left, this.#nextDue(reclaimOlderThanMs)));
    }
  }

  ack(id: string, by: Actor, faults: SessionFaults): WorkItem {
    const item = this.get(id);
    if (item.state === 'stopping' || item.state === 'stopped') {
      item.note('acked', by, { refused: 400 });
      throw new ApiError(400, `work item ${id} cannot be acknowledged: it is ${item.state}`);
    }
    item.note('acked', by);
    // A second ack changes nothing: the answer to the first may have been lost. The heartbeats decide who holds it.
    if (item.state !== 'queued') return item;
    item.state = 'starting';
    item.claimedAt = undefined;
    item.acknowledgedAt = this.#clock.stamp();
    if (!faults.take('ack_then_dead')) item.lease();
    this.changed();
    return item;
  }

  /** The body of the heartbeat's answer. */
  heartbeat(id: string, by: Actor, beat: Beat): Record<string, unknown> {
    const body = heartbeat(this.get(id), by, beat, this.#clock);
    this.changed();
    return body;
  }

  stop(id: string, by: Actor, force: boolean): WorkItem {
    const item = this.get(id);
    const detail = force ? 'force' : 'graceful';
    if (item.state === 'stopped') {
      item.note('stop', by, { refused: 409, detail });
      throw new ApiError(409, `work item ${id} is already stopped`);
    }
    item.note('stop', by, { detail });
    item.stopRequestedAt ??= this.#clock.stamp();
    if (force) this.#end(item);
    else if (item.state !== 'stopping') {
      item.state = 'stopping';
      // Nobody may hold it, or its holder may be dead: it is then over when the lease would be.
      if (item.leaseUntil === Infinity) item.lease();
    }
    this.changed();
    return item;
  }

  /** Lets an item's lease lapse now. */
  expire(id: string): WorkItem {
    const item = this.get(id);
    if (item.leaseUntil !== Infinity) item.leaseUntil = this.#clock.now() - this.#settings.requeueDelayMs;
    this.changed();
    return this.get(id);
  }

  stats(): Record<string, unknown> {
    this.#settle();
    const queued = [...this.#live].filter(item => item.inQueue);
    const pending = queued.filter(item => item.claimedAt !== undefined).length;
    const oldest = Math.min(...queued.map(item => item.queuedAt));
    const since = this.#clock.now() - POLLING_MS;
    const polling = [...this.#pollers.values()].filter(at => at > since).length;
    return {
      type: 'work_queue_stats',
      depth: queued.length - pending,
      pending,
      oldest_queued_at: queued.length === 0 ? null : new Date(oldest).toISOString(),
      workers_polling: this.#pollers.size === 0 ? null : polling,
    };
  }

  /** Wakes pollers and waiters: an item or the clock has changed. */
  changed(): void {
    this.#settle();
    this.#changes.tell();
  }

  dispose(): void {
    this.#closed = true;
    this.changed();
  }

  /** Waits until it holds, at most so long, and tells whether it does. */
  async until(reached: () => boolean, timeoutMs: number): Promise<boolean> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      this.#settle();
      if (reached()) return true;
      const left = until - Date.now();
      if (left <= 0 || this.#closed) return false;
      await this.#changes.next(Math.min(left, this.#nextDue(RECLAIM_DEFAULT_MS)));
    }
  }

  #offer(reclaimOlderThanMs: number): WorkItem | undefined {
    this.#settle();
    const now = this.#clock.now();
    let oldest: WorkItem | undefined;
    for (const item of this.#live) {
      const free = item.claimedAt === undefined || now - item.claimedAt >= reclaimOlderThanMs;
      if (item.inQueue && free && (oldest === undefined || item.queuedAt < oldest.queuedAt)) oldest = item;
    }
    return oldest;
  }

  /** ms until time alone changes something. */
  #nextDue(reclaimOlderThanMs: number): number {
    let due = Infinity;
    for (const item of this.#live) {
      due = Math.min(due, item.leaseUntil + (item.state === 'stopping' ? 0 : this.#settings.requeueDelayMs));
      if (item.claimedAt !== undefined) due = Math.min(due, item.claimedAt + reclaimOlderThanMs);
    }
    return Math.max(1, due - this.#clock.now());
  }

  /** Does what time has brought about: lapsed leases are queued again, and stopping items end. */
  #settle(): void {
    const now = this.#clock.now();
    for (const item of this.#live) {
      if (item.state === 'stopping' && item.leaseUntil <= now) this.#end(item);
      else if (item.leaseUntil + this.#settings.requeueDelayMs <= now) item.requeue('the lease lapsed');
    }
  }

  #end(item: WorkItem): void {
    item.stop();
    this.#live.delete(item);
    this.#onStopped(item);
  }
}
