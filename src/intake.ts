/**
 * The intake of a worker: polls the work queue of its environment and gives each item to the workflow of its session
 * (design §1). It holds nothing itself: whatever is claimed and not given away is offered again by the queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { POLL_BLOCK_MS, type PollOptions } from './anthropic/work-queue.ts';
import { backoff, jitter, jittered } from './intake/backoff.ts';
import { type ClaimParts, createClaims } from './intake/claims.ts';
import { createIdleLog } from './intake/idle-log.ts';

export interface IntakeParts extends ClaimParts {
  readonly environmentId: string;
  /** Ends when the queue is empty and the sessions of its items are over. */
  readonly drain?: boolean;
  readonly poll?: Partial<PollOptions>;
  /** Milliseconds between two polls of an empty queue, from and to (1,000 to 3,000). */
  readonly pauseMs?: readonly [number, number];
}

export interface Intake {
  /** Resolves when it was stopped or has drained the queue; rejects with an `IntakeError`. */
  readonly done: Promise<void>;
  stop(): void;
}

/** The queue will never answer (a revoked key, an environment that is gone); the message says what it said. */
export class IntakeError extends Error {
  override name = 'IntakeError';
}

export function startIntake(parts: IntakeParts): Intake {
  const stopping = new AbortController();
  const { signal } = stopping;
  return {
    done: poll(parts, signal).catch(error => {
      if (!signal.aborted) throw error;
    }),
    stop: () => stopping.abort(),
  };
}

async function poll(parts: IntakeParts, signal: AbortSignal): Promise<void> {
  const { queue, environmentId, log, drain = false, pauseMs = [1_000, 3_000] } = parts;
  const options: PollOptions = { blockMs: POLL_BLOCK_MS, reclaimOlderThanMs: null, ...parts.poll };
  const claims = createClaims(parts, drain);
  const idle = createIdleLog(line => log.info(line), environmentId);
  let failures = 0;
  while (!signal.aborted) {
    const answer = await queue.poll(environmentId, options, signal);
    switch (answer.kind) {
      case 'item':
        failures = 0;
        idle.found();
        await claims.take(answer.item, signal);
        break;
      case 'none':
        failures = 0;
        if (drain && claims.live() === 0) return;
        idle.empty();
        await sleep(jitter(...pauseMs), undefined, { signal });
        break;
      case 'transient': {
        const wait = Math.max(jittered(backoff(failures++)), answer.retryAfterMs ?? 0);
        log.warn(
          `could not poll ${environmentId}, again in ${(wait / 1_000).toFixed(1)} s: ${answer.reason}`,
        );
        await sleep(wait, undefined, { signal });
        break;
      }
      case 'refused':
        throw new IntakeError(`the work queue of ${environmentId} refuses to be polled: ${answer.reason}`);
      default:
        answer satisfies never;
    }
  }
}
