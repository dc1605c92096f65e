/** The activities that acknowledge a session's work item and stop it. */
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { StopAnswer, WorkName, WorkQueue } from '../anthropic/work-queue.ts';
import { apiFailure } from './api-failure.ts';
import { cancellationFailure } from './cancellation.ts';
import { type Credentialed, sessionToken } from './session-credential.ts';

export interface WorkDeps {
  readonly workQueue: WorkQueue;
}

export interface AckWorkInput extends WorkName {
  readonly sessionId: string;
  /** An ack whose answer nobody has seen may have been sent before. */
  readonly sentBefore: boolean;
}

export type AckWorkResult =
  | { readonly kind: 'acked' }
  /** It may have been acknowledged by a request whose answer was lost: its heartbeats will tell. */
  | { readonly kind: 'unclear'; readonly reason: string }
  /** The item is not ours to serve. */
  | { readonly kind: 'refused'; readonly reason: string };

/** With the environment key, as the SDK's poller. Failures: `ApiUnavailable` (retryable) · cancellation. */
export function createAckWork({ workQueue }: WorkDeps) {
  return async function ackWork({ sentBefore, ...work }: AckWorkInput): Promise<AckWorkResult> {
    const answer = await asked(signal => workQueue.ack(work, signal));
    switch (answer.kind) {
      case 'acked':
        return answer;
      case 'refused':
        if (sentBefore || activityInfo().attempt > 1) return { kind: 'unclear', reason: answer.reason };
        return { kind: 'refused', reason: answer.reason };
      default:
        return answer satisfies never;
    }
  };
}

export interface StopWorkInput extends WorkName, Credentialed {}

export type StopWorkResult = Exclude<StopAnswer, { kind: 'transient' }>;

/** Ends the item for good (`force`). Failures: `ApiUnavailable` (retryable) · cancellation. */
export function createStopWork({ workQueue }: WorkDeps) {
  return async function stopWork({ environmentId, workId }: StopWorkInput): Promise<StopWorkResult> {
    return asked(signal => workQueue.stop({ environmentId, workId }, sessionToken(), signal));
  };
}

type Passing = { readonly kind: 'transient'; readonly reason: string; readonly retryAfterMs?: number };

async function asked<T extends { readonly kind: string }>(
  ask: (signal: AbortSignal) => Promise<T | Passing>,
): Promise<Exclude<T, Passing>> {
  const signal = cancellationSignal();
  const answer = await ask(signal).catch(error => {
    throw signal.aborted ? cancellationFailure(signal.reason) : error;
  });
  if (!isPassing(answer)) return answer as Exclude<T, Passing>;
  throw apiFailure(answer);
}

function isPassing(answer: { readonly kind: string }): answer is Passing {
  return answer.kind === 'transient';
}
