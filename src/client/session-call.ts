/**
 * A call as a backend gets to know it: like the SDK's `DispatchedToolCall`; its input and result are
 * read when they are wanted (`session.content`), as most who follow a session do not want megabytes.
 */
import type { CallDetail } from '../workflows/messages.ts';

export interface SessionCall {
  /** The event that the agent made it with, but its input: `session.content(event.id)` has that. */
  readonly event: {
    readonly type: 'agent.tool_use' | 'agent.custom_tool_use';
    readonly id: string;
    readonly name: string;
    /** Null: the session's primary thread. */
    readonly session_thread_id: string | null;
  };
  /** `event.id` and `event.name`, for convenience. */
  readonly toolUseId: string;
  readonly name: string;
  /** The tool failed, or nobody knows how it ended. False where it never ran. */
  readonly isError: boolean;
  /** Whether our result reached the session; false for calls that were denied, answered by others or void. */
  readonly posted: boolean;
  /** The verdict that gated the call; undefined: it needed none. */
  readonly confirmation: 'allow' | 'deny' | undefined;
  /** `unowned`: left to the client that has this tool. `void`: its thread or session ended. */
  readonly state: 'settled' | 'void' | 'unowned';
  /** Why it ended so, for a person: `posted`, `denied: alice denied it`. */
  readonly why: string;
  /** `bash: npm test`, one line of at most 120 characters. */
  readonly summary: string;
  /** ISO times; null where it never ran. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** How often its tool was started: more than 1 only where it is declared idempotent. */
  readonly attempts: number;
  /** Where it stands among the session's calls: `calls({ after: cursor })` goes on behind it. */
  readonly cursor: string;
}

/** @param chain the run that its chain began with; places are counted anew in each. */
export function sessionCall(call: CallDetail, chain: string): SessionCall {
  const { id, type, name, thread, isError, posted, state, why, summary, startedAt, finishedAt, attempts } =
    call;
  return {
    event: { type, id, name, session_thread_id: thread },
    toolUseId: id,
    ...{ name, isError, posted, why, summary, startedAt, finishedAt, attempts },
    confirmation: call.confirmation ?? undefined,
    state: state === 'void' || state === 'unowned' ? state : 'settled',
    cursor: `${chain}/${call.place}`,
  };
}

/** The place behind which to go on; a cursor of another chain says nothing of this one. */
export function placeIn(cursor: string | undefined, chain: string): number {
  const [of, place] = cursor?.split('/') ?? [];
  return of === chain && /^\d{1,15}$/.test(place ?? '') ? Number(place) : 0;
}
