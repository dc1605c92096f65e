/** Sends a listener's batches to the session's workflow. */
import { type Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { INVALID_ARGUMENT } from '../grpc-error.ts';
import type { EventBatch } from '../workflows/messages.ts';
import type { SignalAnswer } from './listener.ts';

/** `eventsSignal.name`, spelled out: its definition belongs to the workflow's side. */
const EVENTS = 'events';

/**
 * Signals go to the workflow's id without a run id, so that they reach the run after a continue-as-new.
 *
 * @param client as in `() => getClient()`: called within the activity.
 * @param deadlineMs milliseconds for one signal: the worker's connection has no limit of its own (10,000).
 */
export function createBatchSignal(client: () => Client, deadlineMs = 10_000) {
  return async (workflowId: string, batch: EventBatch): Promise<SignalAnswer> => {
    const temporal = client();
    try {
      await temporal.withDeadline(Date.now() + deadlineMs, () =>
        temporal.workflow.getHandle(workflowId).signal(EVENTS, batch),
      );
      return 'accepted';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone';
      const cause = error instanceof ServiceError ? error.cause : undefined;
      // The run has had its 10,000 signals (temporal.md §6b); continue-as-new makes room.
      if (isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT) return 'refused';
      throw error;
    }
  };
}
