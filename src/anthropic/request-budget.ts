/**
 * The requests that a worker may make with its key: who goes first, who waits, and for how long (part of design
 * §5). Posts and reads each have their own rate, as at the API, so neither waits for the other. The work queue is
 * not part of it: it has its own back-off, and a heartbeat that waited would cost a lease.
 */
import { APIError } from '@anthropic-ai/sdk';
import { BudgetExhausted } from './budget-exhausted.ts';
import { retryAfter } from './failures.ts';
import { createRate, type Rate } from './rate.ts';

export type Kind = 'post' | 'read';

/**
 * Whom a request is for; those of one kind in the order in which they go. `limitMs`: what it waits at most. An
 * activity that has many slots (`listen`) keeps its place; one that would hold up others comes back later.
 */
const LANES = {
  post: { kind: 'post', limitMs: 5_000 },
  /** What became of a call, or what it was about. */
  call: { kind: 'read', limitMs: 5_000 },
  /** The list of a stream that is open already: a session that has begun to attach is served first. */
  attach: { kind: 'read', limitMs: 30_000 },
  start: { kind: 'read', limitMs: 2_000 },
  listen: { kind: 'read', limitMs: 60_000 },
  /** Whether an idle session still is: nobody waits for that. */
  tail: { kind: 'read', limitMs: 2_000 },
} as const satisfies Record<string, { kind: Kind; limitMs: number }>;
export type Lane = keyof typeof LANES;

const KINDS: readonly Kind[] = ['post', 'read'];
const ORDER = Object.keys(LANES) as readonly Lane[];

/** One of so many goes to the last lane that waits: even under a load for ever too high, all get on. */
const LAST_LANE_EVERY = 8;
/** A longer `retry-after` counts as this. */
const LONGEST_PAUSE_MS = 60_000;

export interface RequestBudget {
  /**
   * Makes a request when it is its turn, and learns from a 429.
   *
   * @throws BudgetExhausted without a request, at once where its turn is too far away · `signal.reason` ·
   *   what `request` throws.
   */
  spend<T>(lane: Lane, request: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface BudgetOptions {
  /** Most requests of a kind a minute; absent: as many as the API takes. */
  readonly perMinute?: Partial<Record<Kind, number>>;
  readonly observe?: BudgetObserver;
  readonly log?: (line: string) => void;
}

export interface BudgetObserver {
  /** A request goes out; `left`: how many more of its kind could go at once. */
  made(kind: Kind, left: number): void;
  /** It had to wait, or waited in vain. */
  waited(kind: Kind, ms: number): void;
  /** The API answered 429. */
  limited(kind: Kind): void;
}

interface Waiter {
  readonly go: () => void;
}

interface Queue {
  readonly rate: Rate;
  readonly lanes: ReadonlyMap<Lane, Set<Waiter>>;
  granted: number;
  timer: NodeJS.Timeout | undefined;
}

export function createRequestBudget(options: BudgetOptions = {}): RequestBudget {
  const { observe } = options;
  const now = () => performance.now();
  const queues = new Map(KINDS.map(kind => [kind, newQueue(kind)]));

  function newQueue(kind: Kind): Queue {
    const lanes = new Map(
      ORDER.filter(lane => LANES[lane].kind === kind).map(lane => [lane, new Set<Waiter>()]),
    );
    return { rate: createRate(options.perMinute?.[kind], now()), lanes, granted: 0, timer: undefined };
  }

  function pump(queue: Queue): void {
    clearTimeout(queue.timer);
    queue.timer = undefined;
    for (;;) {
      const lane = nextLane(queue);
      if (lane === undefined) return;
      if (!queue.rate.take(now())) {
        queue.timer = setTimeout(() => pump(queue), Math.ceil(queue.rate.waitFor(1, now())));
        // Who waits has a timer of its own; without anybody, this one must not hold the process.
        queue.timer.unref();
        return;
      }
      queue.granted++;
      const [first] = lane;
      first?.go();
    }
  }

  /** Resolves when the request may go. */
  async function turn(lane: Lane, queue: Queue, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { kind, limitMs } = LANES[lane];
    const exhausted = (ms: number) => new BudgetExhausted(kind, queue.rate.perMinute(now()), ms);
    if (nextLane(queue) === undefined && queue.rate.take(now())) return;
    const expected = queue.rate.waitFor(ahead(queue, lane) + 1, now());
    if (expected > limitMs) {
      observe?.waited(kind, 0);
      throw exhausted(expected);
    }
    const since = now();
    const waiters = queue.lanes.get(lane);
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter = { go: () => end(resolve) };
        const timer = setTimeout(() => {
          end(() => reject(exhausted(queue.rate.waitFor(ahead(queue, lane) + 1, now()))));
        }, limitMs);
        const abort = () => end(() => reject(signal?.reason));
        const end = (settle: () => void) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          waiters?.delete(waiter);
          settle();
        };
        signal?.addEventListener('abort', abort, { once: true });
        waiters?.add(waiter);
        pump(queue);
      });
    } finally {
      observe?.waited(kind, now() - since);
    }
  }

  return {
    async spend(lane, request, signal) {
      const { kind } = LANES[lane];
      const queue = queues.get(kind);
      if (queue === undefined) return request();
      await turn(lane, queue, signal);
      observe?.made(kind, queue.rate.left(now()));
      const sentAt = now();
      try {
        return await request();
      } catch (error) {
        if (error instanceof APIError && error.status === 429) {
          observe?.limited(kind);
          const pauseMs = retryAfter(error.headers);
          if (queue.rate.limited(sentAt, now(), pauseMs && Math.min(pauseMs, LONGEST_PAUSE_MS))) {
            const most = Math.round(queue.rate.perMinute(now()));
            options.log?.(`the API limits ${kind} requests (429): at most ${most} a minute for now`);
          }
          pump(queue);
        }
        throw error;
      }
    },
  };
}

function nextLane({ lanes, granted }: Queue): Set<Waiter> | undefined {
  const waiting = [...lanes.values()].filter(lane => lane.size > 0);
  return granted % LAST_LANE_EVERY === LAST_LANE_EVERY - 1 ? waiting.at(-1) : waiting[0];
}

/** How many go before somebody who comes to `lane` now. */
function ahead({ lanes }: Queue, lane: Lane): number {
  let sum = 0;
  for (const [other, waiters] of lanes) {
    sum += waiters.size;
    if (other === lane) return isLast(lanes, lane) ? Math.min(sum, waiters.size * LAST_LANE_EVERY) : sum;
  }
  return sum;
}

function isLast(lanes: Queue['lanes'], lane: Lane): boolean {
  return [...lanes.keys()].at(-1) === lane;
}
