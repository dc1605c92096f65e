/**
 * Heartbeats that are known to have arrived. The context's own heartbeat is fire and forget; a host that may be
 * taken over has to know since when Temporal may think that it is lost (§4, A lost host).
 */
import { activityInfo, getClient } from '@temporalio/activity';
import { ActivityNotFoundError, ActivityPausedError, ActivityResetError } from '@temporalio/client';
import { bootTime } from '../tool-host/fence.ts';

/** Milliseconds that one heartbeat may take. */
const DEADLINE_MS = 5_000;

export interface AcceptedHeartbeat {
  /** When the newest heartbeat that was accepted had been sent (`bootTime`); undefined: none yet. */
  readonly acceptedAt: number | undefined;
  /** @throws ActivityNotFoundError when this attempt is over; any other failure leaves `acceptedAt` as it was. */
  beat(details: unknown): Promise<void>;
}

export function createAcceptedHeartbeat(): AcceptedHeartbeat {
  const client = getClient();
  const { taskToken } = activityInfo();
  let acceptedAt: number | undefined;
  return {
    get acceptedAt() {
      return acceptedAt;
    },
    async beat(details) {
      const sentAt = bootTime();
      try {
        await client.withDeadline(Date.now() + DEADLINE_MS, () =>
          client.activity.heartbeat(taskToken, details),
        );
        acceptedAt = sentAt;
      } catch (error) {
        if (error instanceof ActivityNotFoundError) throw error;
        // Both say that the heartbeat has arrived.
        if (error instanceof ActivityPausedError || error instanceof ActivityResetError) acceptedAt = sentAt;
      }
    },
  };
}
