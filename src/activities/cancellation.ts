/** What a short activity fails with once its cancellation signal has fired. */
import { cancellationDetails } from '@temporalio/activity';
import { handOver } from './keep-alive.ts';

/** At the worker's shutdown a failure that another attempt follows at once; otherwise the cancellation itself. */
export function cancellationFailure(reason: unknown): unknown {
  return cancellationDetails()?.workerShutdown ? handOver() : reason;
}
