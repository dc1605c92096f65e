/**
 * Delivers results to the API, each at most once, and says what became of every one (§2.5, §2.6). Free of
 * Temporal: whoever calls it retries when told to, handing the progress back in.
 */
import { failpoint } from '../failpoint.ts';
import { resultEvent, textBlock } from '../session/answers.ts';
import { type Delivery, type DeliveryProgress, type Disposition, requestsOf, stampFor } from './delivery.ts';
import { classify, type Failure } from './failures.ts';
import type { OwnResults } from './own-results.ts';
import { type Answer, PLAIN_ERROR, type PostItem, readBack } from './read-back.ts';
import { isOver, type Refusal, saysNoMatch, saysOver, words } from './refusal.ts';
import type { SessionFeed } from './session-feed.ts';

export interface DeliveryParts {
  readonly feed: SessionFeed;
  readonly ownResults: OwnResults;
  readonly options?: Partial<DeliveryOptions>;
}

export interface DeliveryOptions {
  /** Milliseconds since we first saw a call during which "does not match" means "not committed yet" (60,000). */
  readonly matchMs: number;
  /** Milliseconds since its first refusal during which a result is tried again (60,000). */
  readonly refusedMs: number;
  /** Most bytes of JSON in one request (1,000,000); a larger result travels alone. */
  readonly requestBytes: number;
  /** Milliseconds; a longer `retry-after` counts as this (60,000). */
  readonly retryAfterCapMs: number;
}

export interface DeliveryJob {
  readonly sessionId: string;
  readonly items: readonly PostItem[];
  readonly progress: DeliveryProgress;
  readonly onProgress: (progress: DeliveryProgress) => void;
  /** Unix milliseconds by the clock of `firstSeenAt`; ages count by it. This machine's clock may be wrong. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

export const NO_PROGRESS: DeliveryProgress = { settled: [], refusedSince: {} };

const DEFAULTS: DeliveryOptions = {
  matchMs: 60_000,
  refusedMs: 60_000,
  requestBytes: 1_000_000,
  retryAfterCapMs: 60_000,
};

type Again = Extract<Delivery, { kind: 'again' }>;

/** @throws `job.signal.reason` once it aborts. */
export async function deliver(parts: DeliveryParts, job: DeliveryJob): Promise<Delivery> {
  const { feed, ownResults } = parts;
  const { sessionId, signal } = job;
  const options = { ...DEFAULTS, ...parts.options };
  const settled = new Map(job.progress.settled.map(disposition => [disposition.id, disposition]));
  const refusedSince: Record<string, number> = { ...job.progress.refusedSince };
  const open = () => job.items.filter(item => !settled.has(item.id));
  const tell = () => {
    // When nothing is left to do, the end of the delivery tells.
    if (open().length > 0)
      job.onProgress({ settled: [...settled.values()], refusedSince: { ...refusedSince } });
  };

  try {
    for (const request of requestsOf(open(), options.requestBytes)) {
      const again = await postTogether(request);
      if (again !== undefined) return again;
    }
  } catch (error) {
    signal?.throwIfAborted();
    const again = onFailure(classify(error, { address: feed.address, ...options }));
    if (again !== undefined) return again;
  }
  return { kind: 'settled', dispositions: job.items.flatMap(item => settled.get(item.id) ?? []) };

  function settle(
    item: PostItem,
    kind: Disposition['kind'],
    more: Omit<Disposition, 'id' | 'kind'> = {},
  ): void {
    keep(item, kind, more);
    tell();
  }

  function keep(item: PostItem, kind: Disposition['kind'], more: Omit<Disposition, 'id' | 'kind'>): void {
    settled.set(item.id, { id: item.id, kind, ...more });
  }

  /** Of a failure that says nothing about a single result; undefined when it settles all that is open. */
  function onFailure(failure: Failure): Again | undefined {
    switch (failure.kind) {
      case 'transient': {
        const wait = failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs };
        return { kind: 'again', why: 'unavailable', reason: failure.reason, ...wait };
      }
      case 'unauthorized':
        // Whether the session is lost is for its listener to say, which meets the same answer.
        return { kind: 'again', why: 'unauthorized', reason: words(failure) };
      case 'refused':
        return { kind: 'again', why: 'unavailable', reason: words(failure) };
      case 'not-found':
        for (const item of open())
          settle(item, 'void', { reason: `the session is gone: ${failure.message}` });
        return undefined;
      default:
        return failure satisfies never;
    }
  }

  /** One request; its results count as ours (and their echoes are not signalled) only if it was accepted. */
  async function post(items: readonly PostItem[], reason?: string): Promise<Failure | undefined> {
    const done = ownResults.posting(
      sessionId,
      items.map(item => item.id),
    );
    let accepted = false;
    try {
      const events = items.map(item => resultEvent(item, item.isError, item.content));
      await failpoint('post.unsent', sessionId);
      const echoes = await feed.send(sessionId, events, signal);
      accepted = true;
      await failpoint('post.done', sessionId);
      for (const item of items)
        keep(item, 'posted', { ...(reason ? { reason } : {}), at: stampFor(item, echoes) });
      tell();
      return undefined;
    } catch (error) {
      signal?.throwIfAborted();
      return classify(error, { address: feed.address, ...options });
    } finally {
      done(accepted);
    }
  }

  async function postTogether(items: readonly PostItem[]): Promise<Again | undefined> {
    const failure = await post(items);
    if (failure === undefined) return undefined;
    if (failure.kind !== 'refused') return onFailure(failure);
    const [first] = items;
    if (items.length === 1 && first !== undefined) return judge(first, failure);
    // The server refuses a whole request for one bad event. What an earlier attempt of ours has delivered, or
    // somebody else has answered, is told apart first; the rest goes out one by one.
    const answers = await readBack(feed, sessionId, items, signal);
    for (const item of items) {
      const answer = answers.get(item.id);
      const again = answer === undefined ? await postSingly(item) : settleBy(item, answer);
      if (again !== undefined) return again;
    }
    return undefined;
  }

  async function postSingly(item: PostItem): Promise<Again | undefined> {
    if (settled.has(item.id)) return undefined;
    const failure = await post([item]);
    if (failure === undefined) return undefined;
    return failure.kind === 'refused' ? judge(item, failure) : onFailure(failure);
  }

  async function judge(item: PostItem, refusal: Refusal): Promise<Again | undefined> {
    const answer = (await readBack(feed, sessionId, [item], signal)).get(item.id);
    if (answer !== undefined) return settleBy(item, answer);
    if (await isOver(feed, sessionId, refusal, signal)) {
      settle(item, 'void', { reason: words(refusal) });
      return undefined;
    }
    const { now } = job;
    const since = refusedSince[item.id] ?? now;
    refusedSince[item.id] = since;
    tell();
    const uncommitted = saysNoMatch(refusal) && now - item.firstSeenAt < options.matchMs;
    // A result that is too large will not be smaller next time.
    if (refusal.status !== 413 && (uncommitted || now - since < options.refusedMs)) {
      if (job.items.length === 1) return { kind: 'again', why: 'pending', reason: words(refusal) };
      settle(item, 'alone', { reason: words(refusal) });
      return undefined;
    }
    return postPlainError(item, refusal);
  }

  /** The last resort: the agent learns that the call ran, though not with what result. */
  async function postPlainError(item: PostItem, refusal: Refusal): Promise<Again | undefined> {
    const text = `${PLAIN_ERROR} the API refused it (${words(refusal)}). It was not run again; what it did has been done.`;
    const plain = { ...item, isError: true, content: [textBlock(text)] };
    const failure = await post([plain], `posted as a plain error: ${words(refusal)}`);
    if (failure === undefined) return undefined;
    if (failure.kind !== 'refused') return onFailure(failure);
    settle(item, saysOver(failure) ? 'void' : 'refused', { reason: words(failure) });
    return undefined;
  }

  function settleBy(item: PostItem, answer: Answer): undefined {
    if (answer.kind === 'other') {
      const who = answer.by === 'agent.tool_result' ? 'the server' : 'another client';
      settle(item, 'answered-elsewhere', { reason: `${who} answered it (${answer.by})` });
      return;
    }
    ownResults.posting(sessionId, [item.id])(true);
    const reason = answer.kind === 'own' ? {} : { reason: 'posted as a plain error' };
    settle(item, 'posted', { ...reason, at: answer.at });
  }
}
