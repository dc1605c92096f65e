/** The list of sessions, from Temporal's visibility: no worker is asked. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { lenientClient } from '../client/lenient-client.ts';
import { SESSION_QUERIES, sessionRow } from '../client/session-rows.ts';
import { codesOf, INVALID_ARGUMENT } from '../grpc-error.ts';
import type { SessionFilter, SessionRow, SessionsPage, View } from './source.ts';

export const PAGE_ROWS = 50;
/** Rows behind this are not paged to: a filter finds them. */
export const MOST_PAGES = 40;

const { all: OURS, running: OPEN } = SESSION_QUERIES;

const QUERIES: Readonly<Record<View, string>> = {
  open: OPEN,
  held: `${OPEN} AND HoldfastHeldCalls > 0`,
  stuck: `${OPEN} AND HoldfastState = 'stuck'`,
  ended: `${OURS} AND ExecutionStatus IN ('Completed', 'Failed', 'Terminated', 'Canceled', 'TimedOut')`,
  failed: `${OURS} AND ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')`,
};

/** Sessions with calls that wait for a person. */
export const WAITING_QUERY = QUERIES.held;

const NO_ATTRIBUTES =
  'This Temporal namespace does not know Holdfast’s search attributes, so sessions cannot be found by what they wait for: run `holdfast setup`.';

/** @throws what Temporal says, unless it only lacks our search attributes. */
export async function listSessions(client: Client, filter: SessionFilter): Promise<SessionsPage> {
  const counted = countViews(client);
  try {
    const wanted = filter.page * PAGE_ROWS + 1;
    const rows: SessionRow[] = [];
    const seen = new Set<string>();
    for await (const info of lenientClient(client).workflow.list({
      query: queryOf(filter),
      pageSize: Math.min(wanted, 1_000),
    })) {
      // An earlier run of a session that stands here already is found on the session's own page.
      if (seen.has(info.workflowId)) continue;
      seen.add(info.workflowId);
      rows.push(rowOf(info));
      if (rows.length >= wanted) break;
    }
    const more = rows.length >= wanted && filter.page < MOST_PAGES;
    return { rows: rows.slice((filter.page - 1) * PAGE_ROWS, wanted - 1), more, counts: await counted };
  } catch (error) {
    if (!codesOf(error).includes(INVALID_ARGUMENT)) throw error;
    return { rows: [], more: false, counts: await counted, problem: NO_ATTRIBUTES };
  }
}

function queryOf({ view, id, host }: SessionFilter): string {
  const begins = id === '' ? '' : ` AND WorkflowId STARTS_WITH ${quoted(id)}`;
  const on = host === '' ? '' : ` AND HoldfastHost = ${quoted(host)}`;
  return QUERIES[view] + begins + on;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

async function countViews(client: Client): Promise<SessionsPage['counts']> {
  const counts: Partial<Record<View, number>> = {};
  await Promise.all(
    (['open', 'held', 'stuck', 'failed'] as const).map(async view => {
      const counted = await client.workflow.count(QUERIES[view]).catch(() => undefined);
      if (counted !== undefined) counts[view] = counted.count;
    }),
  );
  return counts;
}

export function rowOf(info: WorkflowExecutionInfo): SessionRow {
  const row = sessionRow(info);
  const state = info.status.name === 'RUNNING' ? row.state : endWord(info.status.name);
  return { ...row, state, runId: info.runId, endedAt: info.closeTime?.toISOString() ?? null };
}

/** Temporal's word for how a run ended, as people say it. */
export function endWord(execution: string): string {
  switch (execution) {
    case 'COMPLETED':
      return 'ended';
    case 'CONTINUED_AS_NEW':
      return 'continued';
    case 'TIMED_OUT':
      return 'timed out';
    default:
      return execution.toLowerCase();
  }
}
