/**
 * Follows a session's calls: one record for each, when nothing more is to come of it.
 *
 * News is asked for by query, with the place of the last call that was told: it costs no history event (an update
 * would cost five a call, and a workflow takes ten at a time), only a worker's moment. The pause between two
 * questions grows with the time since the last news, and where news is rare no worker is asked before the history
 * has grown, so a thousand quiet sessions cost little; the end of a run comes by a long poll, at once, and brings the
 * last calls with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import { type CallDetail, type CallsPage, callsAfterQuery } from '../workflows/messages.ts';
import { ask, HoldfastError, type Patience } from './asking.ts';
import { runsBefore } from './chain.ts';
import { type RunEnd, watchEnd } from './run-end.ts';

export interface FollowOptions extends Patience {
  /** Milliseconds between two questions while news comes (100); the pause grows to a third of the time without. */
  readonly leastPauseMs?: number;
  /** Longest pause in ms (2,000), and while the session waits for its next turn or for a person (5,000). */
  readonly mostPauseMs?: number;
  readonly quietPauseMs?: number;
  /** Told how many calls cannot be read any more, because Temporal has forgotten the histories they stand in. */
  readonly onMissing?: (calls: number) => void;
}

const PAGE = 200;
const GROWTH = 0.3;
/** So many shortest pauses without news, and Temporal is asked first whether the history has grown. */
const SLOW = 10;

/**
 * Ends with the last run that continues the first one.
 *
 * @param from the run to begin with, the place behind which, and whether the run is known to be over.
 * @throws HoldfastError when nobody answers for `unansweredMs`, WorkflowNotFoundError for an unknown run,
 *   `signal.reason` when that is aborted.
 */
export async function* followCalls(
  client: Client,
  sessionId: string,
  from: { readonly runId: string; readonly place: number; readonly isOver?: boolean },
  options: FollowOptions = {},
): AsyncGenerator<CallDetail, void, undefined> {
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([left.signal, options.signal]);
  const patience = { ...options, signal };
  let { runId, place } = from;
  // Each for one run: where earlier ones were asked, and where it was told what they do not know any more.
  let lookedBack: string | undefined;
  let told: string | undefined;
  let news = performance.now();
  let last: CallsPage | undefined;
  /** The history's, before the last question; undefined: not known. */
  let length: number | undefined;
  let watched = watchEnd(client, sessionId, runId, patience);
  try {
    if (from.isOver) await watched.end;
    for (;;) {
      const end = watched.seen;
      if (end?.kind === 'continued') {
        runId = end.runId;
        length = undefined;
        watched = watchEnd(client, sessionId, runId, patience);
        continue;
      }
      if (end === undefined && isSlow() && !(await hasGrown(runId))) {
        await pauseAfter(last);
        continue;
      }
      const page = pageOf(end, place) ?? (await askFor(runId, end === undefined ? watched.over : undefined));
      if (page === undefined) continue;
      if (page.missing > 0 && lookedBack !== runId) {
        lookedBack = runId;
        yield* earlier(runId);
        continue;
      }
      if (page.missing > 0 && told !== runId) {
        told = runId;
        options.onMissing?.(page.missing);
      }
      if (page.calls.length > 0) news = performance.now();
      for (const call of page.calls) {
        place = call.place ?? place;
        yield call;
      }
      place = page.next;
      if (page.more) continue;
      if (end !== undefined) return;
      last = page;
      await pauseAfter(page);
    }
  } finally {
    left.abort();
  }

  function isSlow(): boolean {
    return performance.now() - news > SLOW * leastPause(options);
  }

  /** Asked of Temporal alone, where calls are far between: no call comes without an event in the run's history. */
  async function hasGrown(id: string): Promise<boolean> {
    const before = length;
    const run = await ask(
      client,
      `the run of ${sessionId}`,
      () => client.workflow.getHandle(sessionId, id).describe(),
      patience,
    );
    length = run.historyLength;
    return length !== before;
  }

  async function pauseAfter(page: CallsPage | undefined): Promise<void> {
    const any = AbortSignal.any([watched.over, signal]);
    await sleep(pause(page, performance.now() - news, options), undefined, { signal: any }).catch(
      () => undefined,
    );
    signal.throwIfAborted();
  }

  /** @param over a run whose end is known tells more by itself: then the answer is undefined. */
  async function askFor(id: string, over?: AbortSignal): Promise<CallsPage | undefined> {
    const handle = client.workflow.getHandle(sessionId, id);
    const either = over === undefined ? signal : AbortSignal.any([signal, over]);
    try {
      const question = () => handle.query(callsAfterQuery, { place, limit: PAGE });
      return await ask(client, `the calls of ${sessionId}`, question, { ...options, signal: either });
    } catch (error) {
      if (over?.aborted && !signal.aborted) return undefined;
      if (!(error instanceof QueryNotRegisteredError)) throw error;
      throw new HoldfastError(
        `the worker of ${sessionId} is older than this library and cannot tell its calls: deploy the same version`,
      );
    }
  }

  /** Long sessions carry only their newest calls along (I11): the others are asked of the runs that had them. */
  async function* earlier(id: string): AsyncGenerator<CallDetail, void, undefined> {
    for (const run of await runsBefore(client, sessionId, id, patience)) {
      for (let more = true, first = true; more; first = false) {
        const page = await askFor(run).catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return undefined;
          throw error;
        });
        if (page === undefined) break;
        if (first && page.missing > 0) options.onMissing?.(page.missing);
        for (const call of page.calls) {
          place = call.place ?? place;
          yield call;
        }
        place = page.next;
        more = page.more;
      }
    }
  }
}

/** What a run's result tells by itself; undefined where a worker has to be asked. */
function pageOf(end: RunEnd | undefined, from: number): CallsPage | undefined {
  if (end?.kind !== 'ended' || end.result === undefined) return undefined;
  const { calls, places } = end.result;
  const behind = calls
    .filter(({ place }) => (place ?? 0) > from)
    .sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
  // Also where it is of a version that gave no places.
  if (!(behind.length >= places - from)) return undefined;
  return {
    calls: behind,
    next: Math.max(from, places),
    more: false,
    missing: 0,
    state: 'ended',
    underWay: 0,
  };
}

function leastPause({ leastPauseMs = 100 }: FollowOptions): number {
  return leastPauseMs;
}

function pause(page: CallsPage | undefined, sinceNewsMs: number, options: FollowOptions): number {
  const { mostPauseMs = 2_000, quietPauseMs = 5_000 } = options;
  const quiet = page !== undefined && page.underWay === 0 && page.state !== 'starting';
  return Math.max(leastPause(options), Math.min(sinceNewsMs * GROWTH, quiet ? quietPauseMs : mostPauseMs));
}
