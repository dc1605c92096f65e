/** The work item that a run holds: one at a time, acknowledged, leased, and let go of at the end (I10). */
import type { CancellationScope } from '@temporalio/workflow';
import type { LeaseProgress } from '../activities/keep-lease.ts';
import type { WorkItem } from './messages.ts';

/** How a lease came to its end while the run went on. */
export interface LeaseOver {
  /** `lost`: the item belongs to somebody else. */
  readonly kind: 'lost' | 'stopping' | 'rejected' | 'unacknowledged';
  readonly reason: string;
}

export class HeldWork {
  readonly item: WorkItem;
  acked: boolean;
  /** An ack was sent whose answer may be lost. */
  ackSent: boolean;
  /** Where its lease stands; null: nobody has kept it yet. */
  lease: LeaseProgress | null;
  over: LeaseOver | undefined;
  /** This run held it before: a heartbeat of ours may be its newest. */
  again = false;
  /** The run ends: its lease is not kept any longer. */
  letGo = false;

  constructor(item: WorkItem, carried?: CarriedWork) {
    this.item = item;
    this.acked = carried?.acked ?? item.acked === true;
    this.ackSent = carried?.ackSent ?? false;
    this.lease = carried?.lease ?? null;
  }
}

/** What travels to the next run of the chain. */
export interface CarriedWork {
  readonly item: WorkItem;
  readonly acked: boolean;
  readonly ackSent: boolean;
  readonly lease: LeaseProgress | null;
  readonly replaced: readonly WorkItem[];
}

/** Older items of the session that are remembered, to be stopped with the newest. */
const REPLACED = 10;

export class SessionWork {
  held: HeldWork | undefined;
  /** Items that a newer one has replaced: their leases are not kept. */
  replaced: readonly WorkItem[];
  /** What keeps the lease of `held`. */
  scope: CancellationScope | undefined;
  /** A lease is kept: where it stands must be known before the next run goes on with it. */
  leasing = false;
  leases = 0;
  /** The claim whose token the tool host was last given, with what it mounts. */
  #mounted: string | undefined;
  /** The item that this run was started for, if it was for one. */
  readonly startedFor: string | undefined;

  constructor(startedFor: WorkItem | undefined, carried: CarriedWork | undefined) {
    this.startedFor = startedFor?.workId;
    this.replaced = carried?.replaced ?? [];
    if (carried !== undefined) this.held = new HeldWork(carried.item, carried);
    else if (startedFor !== undefined) this.held = new HeldWork(startedFor);
  }

  /**
   * Takes an item: the first, a newer one (which replaces the older: the session has one lease at a time), or the
   * same once more, because the queue has offered it again.
   */
  take(item: WorkItem): HeldWork {
    const before = this.held;
    // The claim that this run was started with comes again as an update.
    if (before?.item.claim === item.claim) return before;
    this.scope?.cancel();
    this.held = new HeldWork(item);
    this.held.again = before?.item.workId === item.workId;
    const older = before === undefined ? this.replaced : [...this.replaced, before.item];
    this.replaced = older.filter(({ workId }) => workId !== item.workId).slice(-REPLACED);
    return this.held;
  }

  /** Whether the tool host has the token of the item; where not, the next call opens the workspace once more. */
  get isMounted(): boolean {
    return this.held === undefined || this.held.item.claim === this.#mounted;
  }

  mounting(): void {
    this.#mounted = this.held?.item.claim;
  }

  /** The item whose lease is to be kept. */
  get toKeep(): HeldWork | undefined {
    const { held } = this;
    return held === undefined || held.over !== undefined || held.letGo ? undefined : held;
  }

  carried(): CarriedWork | undefined {
    if (this.held === undefined) return undefined;
    const { item, acked, ackSent, lease } = this.held;
    return { item, acked, ackSent, lease, replaced: this.replaced };
  }
}
