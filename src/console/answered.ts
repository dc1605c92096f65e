/**
 * Who answered what, and when: of the held calls that this console has seen, by whomever they were answered. The
 * sessions' own pages tell it of all.
 */
import type { HeldCalls } from '../client/held-calls.ts';
import type { CallDetail, HeldCall } from '../workflows/messages.ts';

export interface Answered {
  readonly session: string;
  readonly call: string;
  readonly summary: string;
  readonly verdict: 'allowed' | 'denied' | 'over';
  readonly by: string;
  /** ISO. */
  readonly at: string;
}

const SHOWN = 30;
const SEEN = 2_000;

export interface AnsweredCalls {
  /** Compares with what was held before; asks about the calls that are not held any more. */
  look(held: HeldCalls): Promise<void>;
  /** Newest first. */
  readonly all: readonly Answered[];
}

/** @param callsOf the calls of a session; undefined while they cannot be told. */
export function answeredCalls(
  callsOf: (session: string) => Promise<readonly CallDetail[] | undefined>,
): AnsweredCalls {
  const seen = new Map<string, HeldCall>();
  let all: Answered[] = [];
  return {
    get all() {
      return all;
    },
    async look({ calls, unanswered }) {
      const now = new Set(calls.map(keyOf));
      const unknown = new Set(unanswered.map(({ session }) => session));
      const gone = [...seen].filter(([key, { session }]) => !now.has(key) && !unknown.has(session));
      for (const call of calls) seen.set(keyOf(call), call);
      for (const key of [...seen.keys()].slice(0, Math.max(0, seen.size - SEEN))) seen.delete(key);
      for (const [key, held] of gone) {
        const details = await callsOf(held.session).catch(() => undefined);
        const detail = details?.find(({ id }) => id === held.call);
        // Another look may have told it meanwhile.
        if (details === undefined || !seen.has(key) || (detail !== undefined && !isDecided(detail))) continue;
        seen.delete(key);
        if (detail === undefined) continue;
        all = [answeredOf(held, detail), ...all].slice(0, SHOWN);
      }
    },
  };
}

function keyOf({ session, call }: HeldCall): string {
  return `${session} ${call}`;
}

/** An accepted answer takes a moment until the API has it: only then is it told whose it was. */
function isDecided({ state, confirmation }: CallDetail): boolean {
  return state !== 'held' || confirmation !== null;
}

function answeredOf({ session, call, summary }: HeldCall, detail: CallDetail): Answered {
  const { confirmation, decidedAt, decidedBy, settledAt, why } = detail;
  const at = decidedAt ?? settledAt ?? new Date().toISOString();
  const told = { session, call, summary, at };
  if (confirmation === null) return { ...told, verdict: 'over', by: why };
  return {
    ...told,
    verdict: confirmation === 'allow' ? 'allowed' : 'denied',
    by: decidedBy ?? 'another client',
  };
}
