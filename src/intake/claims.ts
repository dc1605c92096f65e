/** What is done with a claimed work item: it is given to its session's workflow, or ended at once. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedWork, WorkQueue } from '../anthropic/work-queue.ts';
import { sessionsTokenFromSecret } from '../anthropic/work-secret.ts';
import type { WorkItem } from '../workflows/messages.ts';
import type { Adopted } from './adopt.ts';
import { backoff, jittered } from './backoff.ts';

export type Taken =
  /** `ended` resolves when the run that has it has ended, whatever became of it. */
  { readonly kind: 'adopted'; ended(): Promise<void> } | Exclude<Adopted, { kind: 'adopted' }>;

export interface ClaimParts {
  readonly queue: WorkQueue;
  readonly adopt: (sessionId: string, work: WorkItem) => Promise<Taken>;
  /** Seals a sessions token for its session (I9). */
  readonly seal: (token: string, sessionId: string) => string;
  readonly log: { info(line: string): void; warn(line: string): void };
  readonly limits?: Partial<ClaimLimits>;
}

/** Milliseconds. */
export interface ClaimLimits {
  /** One session that cannot be reached holds up the next poll for so long (10,000). */
  readonly holdUpMs: number;
  /** After that a claim is left: unacknowledged, it is offered again, with a new secret (30,000). */
  readonly giveUpMs: number;
}

export interface Claims {
  /** @returns when the item has its owner, or when the next one is not to wait any longer. Never throws. */
  take(item: ClaimedWork, signal: AbortSignal): Promise<void>;
  /** How many items are on their way, or served by runs that were given them here and have not ended. */
  live(): number;
}

const LIMITS: ClaimLimits = { holdUpMs: 10_000, giveUpMs: 30_000 };

/** @param follow whether to watch the runs to their end, at the price of a request that waits for each. */
export function createClaims(parts: ClaimParts, follow: boolean): Claims {
  const { queue, log } = parts;
  const { holdUpMs, giveUpMs } = { ...LIMITS, ...parts.limits };
  const underWay = new Set<Promise<void>>();

  function track(work: Promise<void>): Promise<void> {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  }

  async function take(item: ClaimedWork, signal: AbortSignal): Promise<void> {
    const { workId, data } = item;
    const { type, id } = data;
    log.info(`claimed work item ${workId}: ${type} ${JSON.stringify(id)}`);
    if (type !== 'session') return track(end(item, signal));
    if (!isSessionId(id)) {
      log.warn(`work item ${workId} is ended: ${JSON.stringify(id.slice(0, 100))} is no session id`);
      return track(end(item, signal));
    }
    const given = track(give(item, signal));
    await Promise.race([given, pause(holdUpMs, signal)]);
  }

  /** Until its session's workflow has it, or it has waited so long that it is offered again. */
  async function give(item: ClaimedWork, signal: AbortSignal): Promise<void> {
    const { workId, data } = item;
    const work = workItemOf(item);
    const began = performance.now();
    for (let attempt = 0; !signal.aborted; attempt++) {
      const adopted = await parts.adopt(data.id, work);
      switch (adopted.kind) {
        case 'adopted':
          if (follow) void track(adopted.ended());
          return;
        case 'dropped':
          log.warn(`work item ${workId} is not served: ${adopted.reason}`);
          return;
        case 'again':
          if (performance.now() - began > giveUpMs) {
            log.warn(`work item ${workId} is left to be offered again: ${adopted.reason}`);
            return;
          }
          if (!adopted.expected && attempt === 0)
            log.warn(`work item ${workId} waits for the workflow of ${data.id}: ${adopted.reason}`);
          await pause(Math.min(250 * 2 ** attempt, 5_000), signal);
          break;
        default:
          adopted satisfies never;
      }
    }
  }

  function workItemOf({ environmentId, workId, data, secret }: ClaimedWork): WorkItem {
    const token = sessionsTokenFromSecret(secret);
    if (token === null && secret !== null && secret !== '')
      log.warn(
        `work item ${workId} carried a secret without a sessions token that can be read; ` +
          'its session is served with the environment key',
      );
    const sealed = token === null ? {} : { sealedToken: parts.seal(token, data.id) };
    return { environmentId, workId, claim: randomUUID(), ...sealed };
  }

  /** A healthcheck asks only whether somebody is there. It is over before the next poll (behaviours.md 74, 149). */
  async function end(item: ClaimedWork, signal: AbortSignal): Promise<void> {
    const { workId } = item;
    try {
      await persist(workId, () => queue.ack(item, signal), signal);
      const token = sessionsTokenFromSecret(item.secret);
      await persist(workId, () => queue.stop(item, token, signal), signal);
    } catch {
      // The worker is ending: another one is offered the item.
    }
  }

  async function persist(
    workId: string,
    ask: () => Promise<{ readonly kind: string; readonly reason?: string }>,
    signal: AbortSignal,
  ): Promise<void> {
    const began = performance.now();
    for (let attempt = 0; ; attempt++) {
      const answer = await ask();
      if (answer.kind === 'refused') log.warn(`work item ${workId}: ${answer.reason}`);
      if (answer.kind !== 'transient') return;
      if (performance.now() - began > giveUpMs)
        return log.warn(`work item ${workId} is left: ${answer.reason}`);
      await pause(Math.min(jittered(backoff(attempt)), 5_000), signal);
    }
  }

  return { take, live: () => underWay.size };
}

/** It names a workflow and stands in the path of each request. */
function isSessionId(id: string): boolean {
  return /^[\w.-]{1,200}$/.test(id) && !/^\.+$/.test(id);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
