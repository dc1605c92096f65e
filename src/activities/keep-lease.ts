/** The activity that keeps the lease of a session's work item (design §5). */
import { activityInfo, cancellationDetails, heartbeat } from '@temporalio/activity';
import { keepLease as keep, type LeaseEnd, type LeaseProgress, newLease } from '../anthropic/lease.ts';
import type { WorkName, WorkQueue } from '../anthropic/work-queue.ts';
import { keepAlive } from './keep-alive.ts';
import { type Credentialed, sessionToken } from './session-credential.ts';

export type { LeaseEnd, LeaseProgress } from '../anthropic/lease.ts';

export interface KeepLeaseInput extends WorkName, Credentialed {
  /** Where it was left; null: nobody has kept it yet. */
  readonly from: LeaseProgress | null;
  /** The first heartbeat expects this where nobody has kept it; absent: none was made. */
  readonly expected?: string;
  /** Its session held it before: a heartbeat of ours may be the newest. */
  readonly again?: boolean;
  /** Milliseconds until it returns with the lease alive. */
  readonly leaseMs: number;
}

export interface LeaseDeps {
  readonly workQueue: WorkQueue;
  readonly log: (line: string) => void;
}

/** Leases that this process has kept last, while Temporal could not hear of it (I11: a bounded number). */
const REMEMBERED = 5_000;

/**
 * Returns how the lease ended, or that its time is over. A heartbeat that fails is no failure of this activity: it
 * goes on until the lease is lost. Failures: `HandedOver`.
 */
export function createKeepLease({ workQueue, log }: LeaseDeps) {
  const kept = new Map<string, LeaseProgress>();

  function remember(workId: string, progress: LeaseProgress): void {
    kept.delete(workId);
    kept.set(workId, progress);
    const [oldest] = kept.keys();
    if (kept.size > REMEMBERED && oldest !== undefined) kept.delete(oldest);
  }

  return async function keepLease(input: KeepLeaseInput): Promise<LeaseEnd> {
    const { environmentId, workId, leaseMs } = input;
    const info = activityInfo();
    const begun = performance.now();
    // The server's clock, so that attempts on several hosts agree on a lease's age.
    const now = () => info.currentAttemptScheduledTimestampMs + performance.now() - begun;
    let progress = startOf(input, kept.get(workId));
    const details = () => progress;
    return keepAlive(async signal => {
      try {
        const end = await keep(workQueue, {
          work: { environmentId, workId },
          token: sessionToken(),
          from: progress,
          leaseMs,
          now,
          signal,
          log,
          onProgress: next => {
            progress = next;
            remember(workId, next);
            heartbeat(next);
          },
        });
        if (end.kind !== 'lease-ended') kept.delete(workId);
        // At the worker's shutdown another attempt goes on; a run that cancels it takes the lease back.
        else if (signal.aborted && cancellationDetails()?.cancelRequested !== true) throw signal.reason;
        return end;
      } finally {
        // A failure carries the last heartbeat to the next attempt: it must say how far we really are.
        heartbeat(progress);
      }
    }, details);
  };
}

/** Where an attempt goes on: at what Temporal was told last, or this process knows better. */
function startOf(input: KeepLeaseInput, known: LeaseProgress | undefined): LeaseProgress {
  const { attempt, heartbeatDetails, scheduledTimestampMs } = activityInfo();
  const told = (heartbeatDetails as LeaseProgress | null | undefined) ?? input.from;
  // An item that was offered again begins a new chain: what is known is of the old one.
  if (told === null && input.again === true)
    return { ...newLease(scheduledTimestampMs, input.expected), unclear: true };
  const given = told ?? known ?? newLease(scheduledTimestampMs, input.expected);
  const newest = known !== undefined && known.aliveAt > given.aliveAt ? known : given;
  // What an earlier attempt did last is never known for sure.
  return attempt > 1 ? { ...newest, unclear: true } : newest;
}
