/** The runs of a session that continued each other (continue-as-new). */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ask, type Patience } from './asking.ts';
import { historyPage } from './run-history.ts';

export interface RunInfo {
  readonly runId: string;
  /** The run that its chain began with: two starts of a session have two chains. */
  readonly chain: string;
  /** Whether it has ended, in whatever way. */
  readonly isOver: boolean;
}

/**
 * The session's newest run, or one of them by its id.
 *
 * @returns undefined where Temporal knows none.
 */
export async function runOf(
  client: Client,
  sessionId: string,
  runId?: string,
  patience: Patience = {},
): Promise<RunInfo | undefined> {
  try {
    const handle = client.workflow.getHandle(sessionId, runId);
    const found = await ask(client, `the run of ${sessionId}`, () => handle.describe(), patience);
    const chain = found.raw.workflowExecutionInfo?.firstRunId || found.runId;
    return { runId: found.runId, chain, isOver: found.status.name !== 'RUNNING' };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The runs before this one whose histories Temporal still has, oldest first. */
export async function runsBefore(
  client: Client,
  sessionId: string,
  runId: string,
  patience: Patience,
): Promise<string[]> {
  const runs: string[] = [];
  for (let at = runId; ; ) {
    const before = await runBefore(client, sessionId, at, patience);
    if (before === undefined) return runs.reverse();
    runs.push(before);
    at = before;
  }
}

async function runBefore(
  client: Client,
  sessionId: string,
  runId: string,
  patience: Patience,
): Promise<string | undefined> {
  const run = { workflowId: sessionId, runId };
  const page = await historyPage(client, `the runs of ${sessionId}`, run, { maximumPageSize: 1 }, patience);
  const started = page?.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.continuedExecutionRunId || undefined;
}
