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
  do {
    const page = await readPage(client, sessionId, runId, nextPageToken, patience);
    for (const event of page?.history?.events ?? []) {
      before ??= event.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
      next ??= event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId || undefined;
      if (await visit(event)) return { before, next };
    }
    nextPageToken = page?.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
  return { before, next };
}

async function readPage(
  client: Client,
  workflowId: string,
  runId: string,
  nextPageToken: Uint8Array | null | undefined,
  patience: Patience,
) {
  const { namespace } = client.options;
  const request = { namespace, execution: { workflowId, runId }, ...(nextPageToken && { nextPageToken }) };
  try {
    return await ask(
      client,
      `the history of ${workflowId}`,
      () => client.connection.workflowService.getWorkflowExecutionHistory(request),
      patience,
    );
  } catch (error) {
    if (codesOf(error).includes(NOT_FOUND)) return undefined;
    throw error;
  }
}
