/** The heartbeats of a work item: a chain of compare-and-swap, each extending the lease (api.md §1.2). */
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import type { Actor, WorkItem } from './work-item.ts';

/** What a worker echoes at its first beat. */
export const NO_HEARTBEAT = 'NO_HEARTBEAT';
const MAX_TTL_MS = 3_600_000;

export interface Beat {
  /** Undefined: not compared. */
  readonly expected: string | undefined;
  readonly desiredTtlMs: number | undefined;
}

/** Takes a beat and returns the answer's body; throws the 412 of a lease that is another's. */
export function heartbeat(item: WorkItem, by: Actor, beat: Beat, clock: Clock): Record<string, unknown> {
  const detail = beat.expected ?? 'nothing expected';
  try {
    compare(item, beat.expected);
  } catch (error) {
    item.note('beat', by, { refused: (error as ApiError).status, detail });
    throw error;
  }
  item.note('beat', by, { detail });
  // A lapsed lease that is not queued again yet cannot be extended any more either.
  if (item.state === 'stopped' || item.leaseUntil <= clock.now()) return reply(item, false, 'stopped');
  if (beat.desiredTtlMs !== undefined) item.ttlMs = Math.min(beat.desiredTtlMs, MAX_TTL_MS);
  item.lastHeartbeat = clock.uniqueStamp();
  item.startedAt ??= clock.stamp();
  if (item.state !== 'stopping') item.state = 'active';
  item.lease();
  return reply(item, true, item.state);
}

/** A stopping or stopped item compares nothing: its worker has to learn that state. */
function compare(item: WorkItem, expected: string | undefined): void {
  if (item.state === 'stopping' || item.state === 'stopped') return;
  if (expected !== undefined && expected !== (item.lastHeartbeat ?? NO_HEARTBEAT)) {
    throw preconditionFailed(item, expected);
  }
  if (item.state === 'queued') {
    throw new ApiError(409, `work item ${item.id} has no lease: it is queued and not acknowledged`);
  }
}

function reply(item: WorkItem, extended: boolean, state: string): Record<string, unknown> {
  return {
    type: 'work_heartbeat',
    last_heartbeat: item.lastHeartbeat ?? '',
    lease_extended: extended,
    state,
    ttl_seconds: item.ttlMs / 1000,
  };
}

function preconditionFailed(item: WorkItem, expected: string): ApiError {
  const { state, lastHeartbeat, ttlMs } = item;
  const current_state = {
    state,
    last_heartbeat: lastHeartbeat,
    lease_updated_at: lastHeartbeat,
    lease_extended: false,
    ttl_seconds: ttlMs / 1000,
  };
  const details = {
    error_code: 'heartbeat_precondition_failed',
    error_visibility: 'user_facing',
    current_state,
  };
  const message = `Heartbeat precondition failed: expected ${expected}, actual was ${lastHeartbeat ?? 'NULL'}`;
  return new ApiError(412, message, {}, { details });
}
