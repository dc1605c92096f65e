/** How Temporal and its workers are asked: each request has a limit, and what may pass by itself is asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ValueError } from '@temporalio/common';
import { errorLine } from '../error-text.ts';
import {
  codesOf,
  DEADLINE_EXCEEDED,
  INVALID_ARGUMENT,
  NOT_FOUND,
  PERMISSION_DENIED,
  UNAUTHENTICATED,
} from '../grpc-error.ts';
import { ENCRYPTED, PayloadKeyError } from '../payload-codec.ts';

/** What went wrong, in one line for a person. */
export class HoldfastError extends Error {
  override name = 'HoldfastError';
}

export interface Patience {
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that Temporal and all workers may be away before the waiting fails (300,000). */
  readonly unansweredMs?: number | undefined;
}

/** Milliseconds for one answer: that of a query or of an update needs a worker. */
export const ANSWER_MS = 10_000;
const UNANSWERED_MS = 300_000;
/** Milliseconds between two tries. */
export const PAUSE_MS = 500;

/** One request, with its limit; aborted with the signal. */
export async function askOnce<T>(
  client: Client,
  request: () => Promise<T>,
  { signal, limitMs = ANSWER_MS }: { signal?: AbortSignal | undefined; limitMs?: number } = {},
): Promise<T> {
  const limited = () => client.withDeadline(Date.now() + limitMs, request);
  try {
    return await (signal === undefined ? limited() : client.withAbortSignal(signal, limited));
  } catch (error) {
    if (!(error instanceof ValueError && error.message.endsWith(ENCRYPTED))) throw error;
    throw new HoldfastError(
      'what Temporal has of it is encrypted, and this client does not decrypt: make it with ' +
        '`dataConverter: dataConverter()` of holdfast/client',
      { cause: error },
    );
  }
}

/**
 * Asks until there is an answer.
 *
 * @param what for the error: `sesn_1: its calls`.
 * @throws HoldfastError when nobody has answered for `unansweredMs`; the answer, where it is no; `signal.reason`.
 */
export async function ask<T>(
  client: Client,
  what: string,
  request: () => Promise<T>,
  { signal, unansweredMs = UNANSWERED_MS }: Patience = {},
): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await askOnce(client, request, { signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (isAnswer(error)) throw error;
      if (performance.now() - began > unansweredMs)
        throw new HoldfastError(
          `nobody has answered for ${what} for ${unansweredMs / 1_000} s (${lineOf(error)}): do Temporal and a worker run?`,
          { cause: error },
        );
      await sleep(PAUSE_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

const REFUSALS = [INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED];
const ANSWERS = [
  HoldfastError,
  PayloadKeyError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
];

/** Whether asking again would bring the same. */
function isAnswer(error: unknown): boolean {
  if (ANSWERS.some(kind => error instanceof kind)) return true;
  return codesOf(error).some(code => REFUSALS.includes(code));
}

/** What went wrong, without line breaks. */
export function lineOf(error: unknown): string {
  if (codesOf(error).includes(DEADLINE_EXCEEDED)) return 'no answer in time';
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return errorLine(cause);
}
