/** How a failed request to the API reaches Temporal: retried when it passes, final when the API meant it. */
import { ApplicationFailure } from '@temporalio/common';
import type { Failure } from '../anthropic/failures.ts';

/**
 * Types: `transientType` (retryable, with `nextRetryDelay` only where the API or our request budget
 * named one, so that the retry policy backs off) · `SessionNotFound` · `ApiRefused` (both final, details `[{ status, message }]`).
 */
export function apiFailure(failure: Failure, transientType = 'ApiUnavailable'): ApplicationFailure {
  switch (failure.kind) {
    case 'transient':
      return ApplicationFailure.create({
        type: transientType,
        message: failure.reason,
        ...(failure.retryAfterMs === undefined ? {} : { nextRetryDelay: failure.retryAfterMs }),
        ...(failure.meant ? { category: 'BENIGN' } : {}),
      });
    case 'not-found':
      return final('SessionNotFound', 404, failure.message);
    case 'unauthorized':
    case 'refused':
      return final('ApiRefused', failure.status, failure.message);
    default:
      return failure satisfies never;
  }
}

function final(type: string, status: number, message: string): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    nonRetryable: true,
    message: `the API answered ${status}: ${message}`,
    details: [{ status, message }],
  });
}
