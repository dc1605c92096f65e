/** The histories of runs as the Temporal server has them now. */
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { lenientClient } from '../client/lenient-client.ts';
import { errorText } from '../error-text.ts';
import type { ReplaySource } from './replay.ts';

const FETCH_MS = 30_000;
const SOURCE = 'server';

/**
 * One source per run, while they are listed. A history that cannot be had is a verdict; so is one that its retention
 * has removed meanwhile.
 *
 * @throws what the list throws.
 */
export async function* serverHistories(
  client: Client,
  query: string,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<ReplaySource> {
  let count = 0;
  for await (const { workflowId, runId } of lenientClient(client).workflow.list({ query })) {
    if (++count > limit) return;
    yield await fetched(client, workflowId, runId);
  }
}

async function fetched(client: Client, session: string, runId: string): Promise<ReplaySource> {
  try {
    const history = await client.withDeadline(Date.now() + FETCH_MS, () =>
      client.workflow.getHandle(session, runId).fetchHistory(),
    );
    return { source: SOURCE, json: historyToJSON(history) };
  } catch (error) {
    const why = `its history cannot be had from the server: ${errorText(error)}`;
    return { source: SOURCE, session, runId, events: 0, verdict: 'unreadable', event: null, why };
  }
}
