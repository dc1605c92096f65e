/**
 * Keeps the lease of a work item alive: heartbeats with compare-and-swap, as the SDK's `heartbeatLoop` does
 * (behaviours.md 90–99, 151), but so that it may be interrupted at any point and continued elsewhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_HEARTBEAT, type WorkName, type WorkQueue } from './work-queue.ts';

/** How far a lease is kept; plain JSON, for whoever continues. */
export interface LeaseProgress {
  /** What the next heartbeat is to expect. */
  readonly last: string;
  readonly ttlMs: number;
  /** When the newest heartbeat that succeeded was sent (Unix ms of `now`); before the first: the start. */
  readonly aliveAt: number;
  /** A heartbeat may have been sent whose answer nobody has seen. */
  readonly unclear: boolean;
}

export type LeaseEnd =
  /** Its time is over; the lease is alive. */
  | { readonly kind: 'lease-ended'; readonly progress: LeaseProgress }
  /** The item belongs to the queue, or to another worker: never stop it (I10). */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The control plane wants it to end. */
  | { readonly kind: 'stopping'; readonly reason: string }
  /** The API refuses our heartbeats for good. */
  | { readonly kind: 'rejected'; readonly reason: string };

export interface LeaseJob {
  readonly work: WorkName;
  readonly token: string | null;
  readonly from: LeaseProgress;
  /** Milliseconds after which it returns with the lease alive. */
  readonly leaseMs: number;
  /** Unix ms by one clock for all that continue each other. */
  readonly now: () => number;
  readonly onProgress: (progress: LeaseProgress) => void;
  /** Ends it early, with the lease alive. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** The SDK's, until the first heartbeat tells. */
const DEFAULT_TTL_MS = 90_000;
const LONGEST_INTERVAL_MS = 30_000;
const SHORTEST_INTERVAL_MS = 1_000;

/** A lease that nobody has kept yet. @param now when its item was claimed at the latest. */
export function newLease(now: number, last: string = NO_HEARTBEAT): LeaseProgress {
  return { last, ttlMs: DEFAULT_TTL_MS, aliveAt: now, unclear: false };
}

/** Milliseconds between two heartbeats, and for one: twice in a lease's life, so that one may fail. */
export function beatInterval(ttlMs: number): number {
  return Math.max(SHORTEST_INTERVAL_MS, Math.min(ttlMs / 2, LONGEST_INTERVAL_MS));
}

export async function keepLease(queue: WorkQueue, job: LeaseJob): Promise<LeaseEnd> {
  const { work, signal, now, log } = job;
  const endsAt = performance.now() + job.leaseMs;
  let progress = job.from;
  const become = (next: LeaseProgress) => {
    progress = next;
    job.onProgress(next);
  };
  /** Milliseconds until a heartbeat that failed in passing is tried again. */
  let again: number | undefined;
  for (;;) {
    const sentAt = now();
    again = undefined;
    const end = await beat(sentAt);
    if (end !== undefined) return end;
    const left = Math.max(0, endsAt - performance.now());
    // Half a lease later it would be too late for another: what failed is tried again soon.
    const interval = Math.min(beatInterval(progress.ttlMs), again ?? Number.POSITIVE_INFINITY);
    // Whoever continues begins with a heartbeat.
    if (!(await paused(Math.min(interval, left), signal)) || left <= interval)
      return { kind: 'lease-ended', progress };
  }

  /** @returns what ended the lease, if it did. */
  async function beat(sentAt: number): Promise<LeaseEnd | undefined> {
    const { last, ttlMs } = progress;
    // Whoever continues from here must know that one may be under way.
    job.onProgress({ ...progress, unclear: true });
    let answer: Awaited<ReturnType<WorkQueue['heartbeat']>>;
    try {
      answer = await queue.heartbeat(work, last, job.token, beatInterval(ttlMs), signal);
    } catch {
      become({ ...progress, unclear: true });
      return { kind: 'lease-ended', progress };
    }
    switch (answer.kind) {
      case 'extended':
        become({ last: answer.last, ttlMs: answer.ttlMs ?? ttlMs, aliveAt: sentAt, unclear: false });
        return undefined;
      case 'stopping':
        return { kind: 'stopping', reason: `the control plane says that it is ${answer.state}` };
      case 'lost': {
        const { state, lastHeartbeat, ttlSeconds } = answer.server;
        // Nobody else can have it while it is alive, so it was our own heartbeat whose answer was lost.
        const ours = progress.unclear && state === 'active' && sentAt - progress.aliveAt < ttlMs;
        if (ours && typeof lastHeartbeat === 'string') {
          become({ last: lastHeartbeat, ttlMs, aliveAt: progress.aliveAt, unclear: false });
          return beat(sentAt);
        }
        log(
          `lease of ${work.workId} lost: server_state=${state} server_ttl_seconds=${ttlSeconds} ` +
            `server_last_heartbeat=${lastHeartbeat} (${answer.reason})`,
        );
        return { kind: 'lost', reason: answer.reason };
      }
      case 'refused':
        return { kind: 'rejected', reason: answer.reason };
      case 'transient': {
        become({ ...progress, unclear: true });
        if (now() - progress.aliveAt > ttlMs) {
          const reason = `no heartbeat has succeeded for ${ttlMs / 1000} s: ${answer.reason}`;
          log(`lease of ${work.workId} assumed lost: ${reason}`);
          return { kind: 'lost', reason };
        }
        again = Math.max(SHORTEST_INTERVAL_MS, answer.retryAfterMs ?? 0);
        log(`heartbeat of ${work.workId} failed, trying again: ${answer.reason}`);
        return undefined;
      }
      default:
        return answer satisfies never;
    }
  }
}

/** @returns whether the pause ended by itself. */
async function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
