/** Start a session's tools from a backend, or take up one that is served already. */
import type { Client } from '@temporalio/client';
import { isSessionId } from '../session-id.ts';
import type { RunOptions } from '../workflows/run-input.ts';
import { ANSWER_MS, askOnce, HoldfastError, lineOf } from './asking.ts';
import { runOf } from './chain.ts';
import { type SessionHandle, sessionHandle } from './session-handle.ts';
import { startSession } from './start-session.ts';
import { sharedTemporal } from './temporal.ts';

export interface ConnectOptions {
  /** A client of Temporal's; absent: one for the process, by `TEMPORAL_*`, as for Temporal's own tools. */
  readonly client?: Client;
}

export interface StartOptions extends Partial<RunOptions>, ConnectOptions {}

/**
 * Starts the workflow of a session, or joins the one that runs; to be called for each of its turns, from anywhere,
 * as often as you like. Needs no worker in this process, and no API key.
 *
 * @param sessionId `sesn_…`, as the API gave it.
 * @param options limits of the run; absent ones are those of `HOLDFAST_*` where no client is given, and the standard.
 * @throws HoldfastError for what is no session id, and when Temporal does not take it within 10 s: then asking again
 *   is safe.
 */
export async function start(sessionId: string, options: StartOptions = {}): Promise<SessionHandle> {
  requireSessionId(sessionId);
  const { client: given, ...limits } = options;
  const { client, address, limits: standard } = given === undefined ? sharedTemporal() : { client: given };
  try {
    const begun = { ...standard, ...limits };
    const run = await askOnce(client, () => startSession(client, sessionId, begun));
    return sessionHandle(client, sessionId, run.signaledRunId);
  } catch (error) {
    const where = address === undefined ? 'Temporal' : `Temporal at ${address}`;
    throw new HoldfastError(`${where} did not take the start of ${sessionId}: ${lineOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Takes up a session that somebody else has started, and starts nothing.
 *
 * @returns its newest run, which may have ended; undefined where Temporal knows none.
 */
export async function attach(
  sessionId: string,
  { client: given }: ConnectOptions = {},
): Promise<SessionHandle | undefined> {
  requireSessionId(sessionId);
  const client = given ?? sharedTemporal().client;
  const run = await runOf(client, sessionId, undefined, { unansweredMs: ANSWER_MS });
  return run === undefined ? undefined : sessionHandle(client, sessionId, run.runId);
}

export function requireSessionId(text: string): void {
  if (!isSessionId(text))
    throw new HoldfastError(`${JSON.stringify(text)} is not a session id (they look like sesn_01ABC…)`);
}
