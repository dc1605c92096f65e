import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { readInput } from '../anthropic/read-input.ts';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import { failpoint } from '../failpoint.ts';
import type { ToolUseType } from '../session/answers.ts';
import type { ToolOutcome } from '../session/outcome.ts';
import type { CallAnswer } from '../tool-host/protocol.ts';
import type { Workspace } from '../workflows/run-input.ts';
import { createAcceptedHeartbeat } from './accepted-heartbeat.ts';
import type { Hosts } from './hosts.ts';
import { keepAlive } from './keep-alive.ts';

export interface RunToolInput {
  readonly sessionId: string;
  readonly workspace: Workspace;
  readonly call: {
    readonly id: string;
    readonly type: ToolUseType;
    readonly name: string;
    /** Absent when it was too large for a signal: it is read again from the API. */
    readonly input?: unknown;
    readonly processedAt: string | null;
    /** Milliseconds the tool may run, counted by its host from the start. */
    readonly timeoutMs: number;
    readonly idempotent: boolean;
  };
}

export type RunToolResult =
  | ({ readonly kind: 'outcome'; readonly outcome: ToolOutcome } & Attempts)
  /** The host serves no tool of that name (another module was loaded); nothing ran. */
  | { readonly kind: 'refused'; readonly reason: string }
  /**
   * Nobody answers, or the journal of this incarnation is gone: `openWorkspace` is asked next. `touched` tells
   * whether the call may have reached that incarnation.
   */
  | { readonly kind: 'no-host' | 'host-lost'; readonly reason: string; readonly touched: boolean };

/** How often it was attempted, and since when this attempt waited (Unix ms, the server's clock). */
interface Attempts {
  readonly attempt?: number;
  readonly attemptSince?: number;
}

export interface RunToolDeps {
  readonly hosts: Hosts;
  /** Where a large input is read again. */
  readonly feed: SessionFeed;
}

const WAIT_MS = 1_000;

/** What a call's heartbeats tell: the workflow reads `touched` when the call's host is lost. */
export interface RunToolProgress {
  readonly outputBytes: number;
  /** The call may have reached its tool host. */
  readonly touched: boolean;
  /** Unix ms of the host's clock, by which the next attempt on the host can tell how long nobody waited. */
  readonly at?: number;
}

/**
 * Starts a call on the tool host of its session, or attaches to it, and waits for its outcome (§2.4). Runs
 * nothing itself: however often it is attempted, the journal decides whether the tool starts (I4).
 */
export function createRunTool({ hosts, feed }: RunToolDeps) {
  return async function runTool({ sessionId, workspace, call }: RunToolInput): Promise<RunToolResult> {
    const { hostLostMs = 0 } = workspace;
    let reached = activityInfo().attempt > 1;
    let outputBytes = 0;
    // A late heartbeat must not take the word back, so where it counts every one says it (I4).
    const progress = (): RunToolProgress => {
      return { outputBytes, touched: hostLostMs > 0 || reached, at: Date.now() };
    };
    const heartbeat = hostLostMs > 0 ? createAcceptedHeartbeat(hostLostMs) : undefined;
    const waitMs = Math.min(WAIT_MS, heartbeat?.everyMs ?? WAIT_MS);
    return keepAlive(async signal => {
      const input = call.input ?? (await inputOf(feed, sessionId, call, signal));
      const host = hosts.client(sessionId, workspace);
      const { type, name, timeoutMs, idempotent } = call;
      await failpoint('run.begun', sessionId);
      for (;;) {
        // Before a call reaches its host Temporal must know that it does, and the host that Temporal knew lately.
        const proof = heartbeat && { acceptedAt: await heartbeat.proof(progress()) };
        const request = { type, name, input, timeoutMs, idempotent, waitMs, ...proof };
        const answer: CallAnswer = await host.startOrAttach(call.id, request, signal);
        switch (answer.kind) {
          case 'outcome':
            await failpoint('run.answered', sessionId);
            return { ...answer, ...attempts() };
          case 'refused':
            await failpoint('run.answered', sessionId);
            return answer;
          case 'running':
            reached = true;
            outputBytes = answer.outputBytes;
            break;
          case 'stale':
            await sleep(waitMs, undefined, { signal });
            break;
          case 'no-host':
            // The request may have arrived all the same, unless nobody listened.
            return { kind: 'no-host', reason: answer.reason, touched: reached || answer.unsent !== true };
          case 'host-lost':
            return { ...answer, touched: reached };
          default:
            return answer satisfies never;
        }
      }
    }, progress);
  };
}

/** Only news is told: nearly every call has one attempt. */
function attempts(): Attempts {
  const { attempt, currentAttemptScheduledTimestampMs } = activityInfo();
  return attempt > 1 ? { attempt, attemptSince: currentAttemptScheduledTimestampMs } : {};
}

async function inputOf(
  feed: SessionFeed,
  sessionId: string,
  call: RunToolInput['call'],
  signal: AbortSignal,
): Promise<unknown> {
  const found = await readInput(feed, sessionId, call.id, { processedAt: call.processedAt, signal });
  if (found.kind === 'found') return found.input;
  throw ApplicationFailure.create({
    type: 'InputMissing',
    message: `the API does not list ${call.id}, whose input was too large to be signalled`,
  });
}
