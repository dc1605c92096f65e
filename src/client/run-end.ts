/** What a session's runs come to, read from their histories: no worker is needed for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  type Client,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { codesOf, DEADLINE_EXCEEDED } from '../grpc-error.ts';
import type { CallRecord, RunResult, SessionSummary } from '../workflows/messages.ts';
import type { runSession } from '../workflows/run-session.ts';
import { ask, askOnce, lineOf, PAUSE_MS, type Patience } from './asking.ts';

export type RunEnd =
  /** The session goes on in the next run. */
  | { readonly kind: 'continued'; readonly runId: string }
  /** `result` is undefined for a run that was ended by hand. */
  | { readonly kind: 'ended'; readonly result: RunResult | undefined; readonly reason: string };

/** Milliseconds of one long poll; then it is asked whether Temporal is still there. */
const LONG_POLL_MS = 60_000;

/**
 * Waits for the end of one run.
 *
 * @throws WorkflowNotFoundError where Temporal does not know it (any more), HoldfastError where Temporal is away.
 */
export async function endOfRun(
  client: Client,
  sessionId: string,
  runId: string,
  patience: Patience = {},
): Promise<RunEnd> {
  const handle = client.workflow.getHandle<typeof runSession>(sessionId, runId, { followRuns: false });
  const { signal } = patience;
  for (;;) {
    try {
      const result = await askOnce(client, () => handle.result(), { signal, limitMs: LONG_POLL_MS });
      return { kind: 'ended', result, reason: result.reason };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof WorkflowContinuedAsNewError)
        return { kind: 'continued', runId: error.newExecutionRunId };
      if (error instanceof WorkflowFailedError) {
        const result = resultIn(error);
        return { kind: 'ended', result, reason: result?.reason ?? lineOf(error) };
      }
      // It runs on, or Temporal is away: a short question tells.
      await ask(client, `the end of ${sessionId}`, () => handle.describe(), patience);
      const over = codesOf(error).includes(DEADLINE_EXCEEDED);
      if (!over) await sleep(PAUSE_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

export interface WatchedEnd {
  /** Resolves when the end is known, or will not be. */
  readonly end: Promise<void>;
  /** Aborted then. */
  readonly over: AbortSignal;
  /** Undefined while it is not known. @throws what kept it from being known. */
  readonly seen: RunEnd | undefined;
}

/** A run's end, to be looked at while something else is done. */
export function watchEnd(client: Client, sessionId: string, runId: string, patience: Patience): WatchedEnd {
  const state: { seen?: RunEnd; failure?: { error: unknown } } = {};
  const over = new AbortController();
  const end = endOfRun(client, sessionId, runId, patience)
    .then(
      seen => {
        state.seen = seen;
      },
      error => {
        state.failure = { error };
      },
    )
    .finally(() => over.abort());
  return {
    end,
    over: over.signal,
    get seen() {
      if (state.failure !== undefined) throw state.failure.error;
      return state.seen;
    },
  };
}

/** The same of the run's chain: however often it is continued. */
export async function endOfChain(
  client: Client,
  sessionId: string,
  runId: string,
  patience?: Patience,
): Promise<Extract<RunEnd, { kind: 'ended' }>> {
  for (let at = runId; ; ) {
    const end = await endOfRun(client, sessionId, at, patience);
    if (end.kind === 'ended') return end;
    at = end.runId;
  }
}

/** The summary of a run, also of one that failed. @throws WorkflowFailedError where it has none (terminated by hand, say). */
export async function summaryOfRun(handle: WorkflowHandle<typeof runSession>): Promise<SessionSummary> {
  try {
    return summaryOf(await handle.result());
  } catch (error) {
    const result = resultIn(error);
    if (result === undefined) throw error;
    return summaryOf(result);
  }
}

function resultIn(error: unknown): RunResult | undefined {
  const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
  const result = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  return isResult(result) ? result : undefined;
}

function isResult(value: unknown): value is RunResult {
  return typeof value === 'object' && value !== null && 'session' in value && 'calls' in value;
}

/** Cut down to what is promised (design §9). */
export function summaryOf({ session, state, reason, host, calls }: RunResult): SessionSummary {
  return { session, state, reason, host, calls: calls.map(recordOf) };
}

function recordOf(call: CallRecord): CallRecord {
  const { id, name, state, isError, posted, startedAt, finishedAt, attempts } = call;
  return { id, name, state, isError, posted, startedAt, finishedAt, attempts };
}
