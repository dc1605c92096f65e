/** A stop that somebody asks for, to its end. */
import { randomUUID } from 'node:crypto';
import {
  type Client,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { type SessionSummary, stopUpdate } from '../workflows/messages.ts';
import { ask, HoldfastError, lineOf } from './asking.ts';
import { runOf } from './chain.ts';
import { endOfChain, summaryOf } from './run-end.ts';

export interface StopOptions {
  /** Milliseconds that running calls may still take (30,000). */
  readonly graceMs?: number;
  /** Told in the session's record (`a backend stopped it`). */
  readonly reason?: string;
  /** Milliseconds for the request, and then beyond the grace until the run must have ended (60,000). */
  readonly limitMs?: number;
  /** Called when the run has heard of it. */
  readonly onAccepted?: () => void;
}

export type Stopped =
  /** `summary` is undefined where it was ended by hand meanwhile. */
  | { readonly kind: 'stopped'; readonly summary: SessionSummary | undefined }
  /** No run of the session is under way. */
  | { readonly kind: 'not-served' };

const GRACE_MS = 30_000;
const LIMIT_MS = 60_000;

/** @throws HoldfastError where the run does not hear of it, or does not end in time. */
export async function stopSession(
  client: Client,
  sessionId: string,
  options: StopOptions = {},
): Promise<Stopped> {
  const { graceMs = GRACE_MS, reason = 'a backend stopped it', limitMs = LIMIT_MS } = options;
  const newest: WorkflowHandle = client.workflow.getHandle(sessionId);
  // Asked again it is the same request.
  const update = { updateId: randomUUID(), args: [{ graceMs, reason }] } as const;
  const what = `the stop of ${sessionId}`;
  const run = await runOf(client, sessionId, undefined, { unansweredMs: limitMs });
  if (run === undefined) return { kind: 'not-served' };
  try {
    await ask(client, what, () => newest.executeUpdate(stopUpdate, { ...update, args: [...update.args] }), {
      unansweredMs: limitMs,
    });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'not-served' };
    if (error instanceof WorkflowUpdateFailedError) throw new HoldfastError(lineOf(error), { cause: error });
    throw error;
  }
  options.onAccepted?.();
  const signal = AbortSignal.timeout(graceMs + limitMs);
  try {
    const { result } = await endOfChain(client, sessionId, run.runId, { signal });
    return { kind: 'stopped', summary: result === undefined ? undefined : summaryOf(result) };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new HoldfastError(
      `${sessionId} heard of its stop and has not ended after ${(graceMs + limitMs) / 1_000} s`,
    );
  }
}
