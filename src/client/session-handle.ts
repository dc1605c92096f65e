/** A session in the hands of a backend: what becomes of its calls, how it stands, and its end. */
import type { Client } from '@temporalio/client';
import {
  type HeldCall,
  type SessionStatus,
  type SessionSummary,
  statusQuery,
} from '../workflows/messages.ts';
import { askOnce, HoldfastError, lineOf, type Patience } from './asking.ts';
import { type CallContent, callContent } from './call-content.ts';
import { type RunInfo, runOf } from './chain.ts';
import { type FollowOptions, followCalls } from './follow-calls.ts';
import { type ApprovalTaken, answerApproval, heldCallsOf } from './held-calls.ts';
import { endOfChain, summaryOf } from './run-end.ts';
import { placeIn, type SessionCall, sessionCall } from './session-call.ts';
import { type StopOptions, type Stopped, stopSession } from './stop-session.ts';

export interface CallsOptions extends FollowOptions {
  /** The `cursor` of the last call that was seen; one of an earlier start of the session counts for nothing. */
  readonly after?: string | undefined;
}

export interface Approvals {
  /** The calls of this session that wait for a verdict, oldest first. */
  list(): Promise<readonly HeldCall[]>;
  /** @param by who decided, for the record. */
  allow(callId: string, options?: { readonly by?: string }): Promise<ApprovalTaken>;
  /** @param options.message told to the agent. */
  deny(callId: string, options?: { readonly by?: string; readonly message?: string }): Promise<ApprovalTaken>;
}

export interface SessionHandle {
  readonly sessionId: string;
  /** The run that was started, joined or found. */
  readonly runId: string;
  /**
   * One record for each call of the run, when nothing more is to come of it: posted, denied, answered by others,
   * void, or left to the client that owns its tool. Those that were over before are told first; each is told once,
   * also across continue-as-new. Ends when the run ends, or when the signal is aborted; calls that are still open
   * then are the next run's.
   *
   * @throws HoldfastError when Temporal or all workers are away for `unansweredMs`.
   */
  calls(options?: CallsOptions): AsyncGenerator<SessionCall, void, undefined>;
  /**
   * What a call of the run was made with, and what it was answered with, for as long as Temporal keeps the history.
   *
   * @throws HoldfastError when Temporal is away for `unansweredMs`.
   */
  content(toolUseId: string, options?: Patience): Promise<CallContent>;
  /**
   * Resolves when the run has ended, with what it came to (`failed` too).
   *
   * @throws HoldfastError for a run that was ended by hand, or when Temporal is away for `unansweredMs`;
   *   `signal.reason` when that is aborted (`AbortSignal.timeout(ms)` sets a limit).
   */
  untilDone(options?: Patience): Promise<SessionSummary>;
  /** How it stands now, also after its end. @throws HoldfastError when nobody answers within 10 s. */
  status(): Promise<SessionStatus>;
  /** Nothing new starts, running calls get their grace, results are posted; resolves when the run has ended. */
  stop(options?: StopOptions): Promise<Stopped>;
  readonly approvals: Approvals;
}

export function sessionHandle(client: Client, sessionId: string, runId: string): SessionHandle {
  async function run(): Promise<RunInfo> {
    const found = await runOf(client, sessionId, runId);
    if (found !== undefined) return found;
    throw new HoldfastError(`Temporal has forgotten the run ${runId} of ${sessionId}`);
  }

  async function* calls(options: CallsOptions = {}): AsyncGenerator<SessionCall, void, undefined> {
    const { signal } = options;
    if (signal?.aborted) return;
    try {
      const { chain, isOver } = await run();
      const from = { runId, place: placeIn(options.after, chain), isOver };
      for await (const call of followCalls(client, sessionId, from, options)) yield sessionCall(call, chain);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }

  return {
    sessionId,
    runId,
    calls,
    content: (toolUseId, options) => callContent(client, sessionId, runId, toolUseId, options),
    async untilDone(patience) {
      const { result, reason } = await endOfChain(client, sessionId, runId, patience);
      if (result !== undefined) return summaryOf(result);
      throw new HoldfastError(`the run of ${sessionId} was ended: ${reason}`);
    },
    async status() {
      try {
        return await askOnce(client, () => client.workflow.getHandle(sessionId).query(statusQuery));
      } catch (error) {
        throw new HoldfastError(`cannot ask about ${sessionId}: ${lineOf(error)}; does a worker run?`, {
          cause: error,
        });
      }
    },
    stop: options => stopSession(client, sessionId, options),
    approvals: {
      list: () => heldCallsOf(client, sessionId),
      allow: (callId, options = {}) =>
        answerApproval(client, sessionId, { callId, result: 'allow', ...options }),
      deny: (callId, options = {}) =>
        answerApproval(client, sessionId, { callId, result: 'deny', ...options }),
    },
  };
}
