import { endOf } from './draft.ts';
import type { Call } from './state.ts';

/**
 * When what happened to a call, beside its start and its end. ISO strings by the workflow's clock; what did not happen
 * is absent, and so is what an older run has not kept.
 */
export interface CallTimes {
  /** When the run first saw it. */
  readonly seenAt?: string;
  /** Since when it was held, where it needed an approval. */
  readonly heldAt?: string;
  /** When the verdict was seen, and whose it was: a name, `another client`, `the deadline`. */
  readonly decidedAt?: string;
  readonly decidedBy?: string;
  /** When an interrupt was seen that stands after it. */
  readonly interruptedAt?: string;
  readonly settledAt?: string;
  /** How often it was attached again to its tool that ran on, and when last. */
  readonly reattached?: { readonly times: number; readonly at: string };
  /** Its tool did not end by itself: it was stopped, or nobody knows its end (the interrupted report). */
  readonly unfinished?: 'stopped' | 'unknown';
}

export function callTimes(call: Call): CallTimes {
  const { permission, firstSeenAt, decided, reattached, settledAt, unfinished } = call;
  const times = {
    seenAt: iso(firstSeenAt),
    heldAt: permission === 'ask' ? iso(firstSeenAt) : undefined,
    decidedAt: iso(decided?.at),
    decidedBy: decided?.by,
    interruptedAt: iso(call.interruptedAt),
    settledAt: iso(settledAt),
    reattached: reattached && { times: reattached.times, at: new Date(reattached.at).toISOString() },
    unfinished,
    ...endWhileOpen(call),
  };
  return Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined));
}

/** A call that is not settled has its outcome and its halt still. */
function endWhileOpen(call: Call): CallTimes {
  const { interruptedAt, unfinished } = endOf(call);
  return {
    ...(interruptedAt === undefined ? {} : { interruptedAt: new Date(interruptedAt).toISOString() }),
    ...(unfinished === undefined ? {} : { unfinished }),
  };
}

export function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
