/**
 * All that is known of one session: what its run says of itself where a worker answers, what its result tells where
 * it is over, and what Temporal alone knows where neither is to be had.
 */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { askOnce, lineOf } from '../client/asking.ts';
import { pendingWork } from '../client/pending-work.ts';
import { endOfRun } from '../client/run-end.ts';
import { type CallDetail, callsQuery, type RunResult, statusQuery } from '../workflows/messages.ts';
import { kept } from './kept.ts';
import { endWord, rowOf } from './session-list.ts';
import type { SessionReading } from './source.ts';

/** Milliseconds for Temporal's own answers, and for one that needs a worker: a page is waited for. */
const SERVER_MS = 5_000;
export const WORKER_MS = 3_000;
/** What a run says of itself is asked again after so long also where its history has not grown. */
const AGAIN_MS = 10_000;
const RUNS_SHOWN = 20;
const RUNS_PAUSE_MS = 10_000;

type Told = Pick<SessionReading, 'status' | 'calls' | 'missing' | 'outcome' | 'unanswered'>;

export type ReadSession = (id: string, runId?: string) => Promise<SessionReading | undefined>;

/** @returns a reader that remembers what it was told while nothing has happened since. */
export function sessionReader(client: Client): ReadSession {
  const told = new Map<string, { readonly mark: string; readonly at: number; readonly told: Told }>();
  const runs = kept(id => askOnce(client, () => runsOf(client, id), { limitMs: SERVER_MS }), RUNS_PAUSE_MS);

  /** A history that has not grown has nothing new to tell. */
  async function askRun(run: WorkflowExecutionDescription): Promise<Told> {
    const mark = `${run.status.name} ${run.historyLength}`;
    const before = told.get(run.runId);
    const isFresh = run.status.name !== 'RUNNING' || performance.now() - (before?.at ?? 0) < AGAIN_MS;
    if (before?.mark === mark && isFresh) return before.told;
    const now = run.status.name === 'RUNNING' ? await askRunning(client, run) : await readEnded(client, run);
    if (now.unanswered !== undefined) return { ...before?.told, ...now };
    told.delete(run.runId);
    told.set(run.runId, { mark, at: performance.now(), told: now });
    const [oldest] = told.keys();
    if (told.size > TOLD && oldest !== undefined) told.delete(oldest);
    return now;
  }

  return async (id, runId) => {
    const run = await describe(client, id, runId);
    if (run === undefined) return undefined;
    const [now, others] = await Promise.all([askRun(run), runs(id).catch(() => [])]);
    const { session, host, title, startedAt, endedAt } = rowOf(run as never);
    return {
      ...{ session, startedAt, endedAt, execution: run.status.name, runId: run.runId },
      newest: runId === undefined || others.length === 0 || others[0]?.runId === run.runId,
      title: now.status?.title ?? title,
      host: now.status?.host ?? host,
      ...now,
      pending: run.status.name === 'RUNNING' ? await pendingWork(client, run) : [],
      runs: others.filter(other => other.runId !== run.runId),
    };
  };
}

const TOLD = 50;

async function describe(
  client: Client,
  id: string,
  runId: string | undefined,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const handle = client.workflow.getHandle(id, runId);
    return await askOnce(client, () => handle.describe(), { limitMs: SERVER_MS });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function askRunning(
  client: Client,
  { workflowId, runId }: WorkflowExecutionDescription,
): Promise<Told> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    const [status, calls] = await askOnce(
      client,
      () => Promise.all([handle.query(statusQuery), handle.query(callsQuery)]),
      { limitMs: WORKER_MS },
    );
    return { status, calls, missing: Math.max(0, status.settledCalls - calls.filter(isOver).length) };
  } catch (error) {
    return { unanswered: lineOf(error) };
  }
}

/** A result needs no worker; what has none (it was ended from outside, or goes on in another run) does. */
async function readEnded(client: Client, run: WorkflowExecutionDescription): Promise<Told> {
  const { workflowId, runId } = run;
  const end = await endOfRun(client, workflowId, runId, { unansweredMs: SERVER_MS });
  if (end.kind === 'ended' && end.result !== undefined) return ofResult(end.result);
  const reason = end.kind === 'ended' ? end.reason : 'it goes on in the next run';
  return { ...(await askRunning(client, run)), outcome: { state: endWord(run.status.name), reason } };
}

function isOver({ place, state }: CallDetail): boolean {
  return place !== null || state === 'settled' || state === 'void';
}

function ofResult({ calls, places, state, reason, record = [], interrupts = [] }: RunResult): Told {
  const waitingFor = `nothing: the run has ended (${reason})`;
  return {
    calls,
    missing: Math.max(0, places - calls.filter(({ place }) => place !== null).length),
    outcome: { state, reason },
    status: { state: 'ended', waitingFor, record, interrupts },
  };
}

async function runsOf(client: Client, id: string): Promise<SessionReading['runs']> {
  const query = `WorkflowId = '${id.replaceAll("'", "\\'")}'`;
  const found: SessionReading['runs'][number][] = [];
  for await (const { runId, status, startTime } of client.workflow.list({ query, pageSize: RUNS_SHOWN })) {
    found.push({ runId, execution: status.name, startedAt: startTime.toISOString() });
    if (found.length >= RUNS_SHOWN) break;
  }
  return found;
}
