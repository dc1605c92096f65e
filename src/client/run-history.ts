/** Reads the history of one run, page by page, for as long as somebody wants more of it. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { codesOf, NOT_FOUND } from '../grpc-error.ts';
import { ask, type Patience } from './asking.ts';

export type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

export interface Neighbours {
  /** The runs that it continued and that continued it, as far as was read. */
  readonly before: string | undefined;
  readonly next: string | undefined;
}

/**
 * @param visit told each event, in order; true ends the reading.
 * @returns neither neighbour where Temporal has no history of it any more.
 * @throws HoldfastError when Temporal is away for `unansweredMs`; what `visit` throws.
 */
export async function readRun(
  client: Client,
  sessionId: string,
  runId: string,
  visit: (event: HistoryEvent) => Promise<boolean>,
  patience: Patience = {},
): Promise<Neighbours> {
  let before: string | undefined;
  let next: string | undefined;
  let nextPageToken: Uint8Array | null | undefined;
  const run = { workflowId: sessionId, runId };
  do {
    const from = nextPageToken ? { nextPageToken } : {};
    const page = await historyPage(client, `the history of ${sessionId}`, run, from, patience);
    for (const event of page?.history?.events ?? []) {
      before ??= event.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
      next ??= event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId || undefined;
      if (await visit(event)) return { before, next };
    }
    nextPageToken = page?.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
  return { before, next };
}

/**
 * One page of a run's history.
 *
 * @param what for the error: `the history of sesn_1`.
 * @returns undefined where Temporal has none (any more).
 */
export async function historyPage(
  client: Client,
  what: string,
  execution: { readonly workflowId: string; readonly runId: string },
  page: { readonly maximumPageSize?: number; readonly nextPageToken?: Uint8Array },
  patience: Patience,
) {
  const request = { namespace: client.options.namespace, execution, ...page };
  try {
    return await ask(
      client,
      what,
      () => client.connection.workflowService.getWorkflowExecutionHistory(request),
      patience,
    );
  } catch (error) {
    if (codesOf(error).includes(NOT_FOUND)) return undefined;
    throw error;
  }
}
