/**
 * Heartbeats that are known to have arrived. The context's own heartbeat is fire and forget; a host that may be
 * taken over has to know since when Temporal may think that it is lost (§4, A lost host).
 */
import { activityInfo, getClient } from '@temporalio/activity';
import { ActivityNotFoundError, ActivityPausedError, ActivityResetError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { bootTime } from '../tool-host/fence.ts';

/** Milliseconds that one heartbeat may take: a busy server is slow, and a failed attempt makes it busier. */
const DEADLINE_MS = 20_000;
/** Several may fail before the host holds itself for lost, at four fifths. */
const SHARE = 1 / 8;
/** Each is a write of the server, so no more than that many milliseconds apart is no more often than needed. */
const LONGEST_MS = 30_000;

export interface AcceptedHeartbeat {
  /** Between two, so often that several may fail before the host holds itself for lost; milliseconds. */
  readonly everyMs: number;
  /**
   * When the newest heartbeat that was accepted had been sent (`bootTime`). Sends one where none was accepted
   * yet, or where it is time for the next.
   *
   * @throws ActivityNotFoundError when this attempt is over · ApplicationFailure when Temporal took none so far.
   */
  proof(details: unknown): Promise<number>;
}

/**
 * Proves that this attempt is still the one that Temporal waits for.
 *
 * @throws ActivityNotFoundError when it is over · ApplicationFailure when Temporal did not take the heartbeat.
 */
export async function proveCurrent(details: unknown): Promise<void> {
  if (!(await beat(details, DEADLINE_MS))) throw notTaken();
}

/** @param hostLostMs how long the host may go unheard of, in milliseconds. */
export function createAcceptedHeartbeat(hostLostMs: number): AcceptedHeartbeat {
  const everyMs = Math.min(hostLostMs * SHARE, LONGEST_MS);
  let acceptedAt: number | undefined;
  return {
    everyMs,
    async proof(details) {
      const sentAt = bootTime();
      if (acceptedAt === undefined || sentAt - acceptedAt >= everyMs) {
        // The first has time; a later one must leave some for another before the fence.
        const limitMs = acceptedAt === undefined ? DEADLINE_MS : Math.min(DEADLINE_MS, hostLostMs / 4);
        if (await beat(details, limitMs)) acceptedAt = sentAt;
      }
      if (acceptedAt === undefined) throw notTaken();
      return acceptedAt;
    },
  };
}

/** @returns whether it is known to have arrived. */
async function beat(details: unknown, limitMs: number): Promise<boolean> {
  const client = getClient();
  const { taskToken } = activityInfo();
  try {
    await client.withDeadline(Date.now() + limitMs, () => client.activity.heartbeat(taskToken, details));
    return true;
  } catch (error) {
    if (error instanceof ActivityNotFoundError) throw error;
    // Both say that the heartbeat has arrived.
    return error instanceof ActivityPausedError || error instanceof ActivityResetError;
  }
}

function notTaken(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'TemporalUnreachable',
    message: 'Temporal did not take the heartbeat that must come first',
  });
}
