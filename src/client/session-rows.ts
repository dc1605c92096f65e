/** The sessions as Temporal's visibility lists them: no worker is asked. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { lenientClient } from './lenient-client.ts';

export interface SessionRow {
  readonly session: string;
  /** The value of `HoldfastState` (`stuck` and `held` included), or how the run ended. */
  readonly state: string;
  /** As of the last change of `state`; null: not known, or over. */
  readonly openCalls: number | null;
  readonly heldCalls: number | null;
  readonly host: string | null;
  readonly title: string | null;
  readonly startedAt: string;
}

const ALL = "WorkflowType = 'runSession'";
const RUNNING = `${ALL} AND ExecutionStatus = 'Running'`;

/** What people on duty look for, as it may be typed into the Temporal UI (docs/duty.md). */
export const SESSION_QUERIES = {
  all: ALL,
  running: RUNNING,
  held: `${RUNNING} AND HoldfastHeldCalls > 0`,
  stuck: `${RUNNING} AND HoldfastState = 'stuck'`,
  failed: `${ALL} AND ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')`,
} as const;

/** The sessions of a query whose workspace is on this host. */
export function onHost(query: string, host: string): string {
  return `${query} AND HoldfastHost = '${host.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Newest first, at most `limit`; the runs that continued as new are one. */
export async function sessionRows(client: Client, query: string, limit: number): Promise<SessionRow[]> {
  const rows: SessionRow[] = [];
  for await (const info of lenientClient(client).workflow.list({ query })) {
    if (info.status.name === 'CONTINUED_AS_NEW') continue;
    rows.push(sessionRow(info));
    if (rows.length >= limit) break;
  }
  return rows;
}

/** Without registered search attributes only Temporal's own status is known. */
export function sessionRow(info: WorkflowExecutionInfo): SessionRow {
  const running = info.status.name === 'RUNNING';
  const attribute = (name: string) => info.searchAttributes[name]?.[0];
  const number = (name: string) => {
    const value = running ? attribute(name) : undefined;
    return typeof value === 'number' ? value : null;
  };
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  return {
    session: info.workflowId,
    state: running ? String(attribute('HoldfastState') ?? 'running') : info.status.name.toLowerCase(),
    openCalls: number('HoldfastOpenCalls'),
    heldCalls: number('HoldfastHeldCalls'),
    host: text(attribute('HoldfastHost')) ?? text(info.memo?.host),
    title: text(info.memo?.title),
    startedAt: info.startTime.toISOString(),
  };
}
