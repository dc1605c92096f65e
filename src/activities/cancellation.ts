/** What a short activity fails with once its cancellation signal has fired. */
import { cancellationDetails } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

/** At the worker's shutdown a failure that another attempt follows at once; otherwise the cancellation itself. */
export function cancellationFailure(reason: unknown): unknown {
  return cancellationDetails()?.workerShutdown ? handOver() : reason;
}

/** The failure of an attempt whose worker goes away: the next one starts after 1 ms; 0 would be final (§5). */
export function handOver(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'HandedOver',
    message: 'the worker shuts down; another attempt goes on',
    nextRetryDelay: 1,
    category: 'BENIGN',
  });
}
