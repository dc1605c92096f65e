/** A session as data (I2: plain JSON, carried through continue-as-new as it is). */
import type { ToolUseType } from './answers.ts';
import type { Decision } from './decision.ts';
import type { HeldLock } from './locks.ts';
import { FIRST, type Order } from './order.ts';
import type { ToolOutcome } from './outcome.ts';
import type { ServedTool } from './served-tool.ts';

/** How a call was settled (design §2). */
export type Settlement = 'posted' | 'answered-elsewhere' | 'denied' | 'void' | 'refused';

/**
 * What happened to a call so far. `waiting` is shown as `held`, `open` or `unowned`: which of them follows
 * from the permission, the verdict and the tools.
 */
export type Phase =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running'; readonly since: number }
  | { readonly kind: 'finished'; readonly outcome: ToolOutcome; readonly posting: boolean }
  | {
      readonly kind: 'settled';
      readonly how: Settlement;
      readonly reason: string;
      readonly at: string | null;
    };

/** Why a call must not go on: an interrupt that stands after it, or somebody else's answer. */
export interface Halt {
  readonly by: 'interrupt' | 'answered';
  /** When we first saw it, Unix ms: ages never come from the server's stamps (§2.6). */
  readonly at: number;
}

export interface Call {
  readonly id: string;
  readonly type: ToolUseType;
  readonly name: string;
  readonly thread: string | null;
  /** `bash: npm test`, one line of at most 120 characters. */
  readonly summary: string;
  readonly input?: unknown;
  readonly inputRef?: { readonly bytes: number; readonly hint: Readonly<Record<string, string | number>> };
  readonly order: Order;
  readonly processedAt: string | null;
  /** Unix ms of our clock. */
  readonly firstSeenAt: number;
  /** `free` runs unasked, `deny` never runs, `ask` (and all that is unknown, I7) waits for a verdict. */
  readonly permission: 'free' | 'ask' | 'deny';
  readonly verdict?: 'allow' | 'deny';
  /** What was decided about it through us; a verdict only once the server has it. */
  readonly decision?: Decision;
  /** `answerConfirmation` is posting the decision. */
  readonly confirming?: true;
  /** Why the API took the last decision for none. */
  readonly refusal?: string;
  /** False until a listener has read the history to its end since the call was first seen (§2.1). */
  readonly listed: boolean;
  /** Undefined until the tools are known. */
  readonly owned?: boolean;
  readonly locks: readonly HeldLock[];
  readonly timeoutMs?: number;
  readonly idempotent?: boolean;
  readonly phase: Phase;
  /** Someone else's answer was seen while ours was still on its way. */
  readonly answered?: boolean;
  readonly halt?: Halt;
  /** `stopCalls` was asked to end its tool. */
  readonly stopSent?: boolean;
  /** Posted in a request of its own, because it failed in one with others. */
  readonly alone?: boolean;
  /** What the agent is told beside the result. */
  readonly notice?: string;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly starts: number;
  readonly isError: boolean;
  /** Who released or denied it, and when we saw so, Unix ms; absent: nobody, or an older run. */
  readonly decided?: { readonly at: number; readonly by: string };
  /** How often it was attached again to its tool, and when last; absent: never, as far as is known. */
  readonly reattached?: { readonly times: number; readonly at: number };
  /** What only a settled call tells of its end, which keeps neither its outcome nor its halt (I11). */
  readonly settledAt?: number;
  readonly interruptedAt?: number;
  readonly unfinished?: 'stopped' | 'unknown';
  /** Its place among the calls that are over, from 1 on, in the order in which they were; it keeps its first one. */
  readonly place?: number;
}

export interface Interrupt {
  readonly id: string;
  readonly thread: string | null;
  readonly order: Order;
}

/** The newest status of the session. */
export interface Turn {
  readonly id: string;
  readonly order: Order;
  readonly processedAt: string | null;
  /** Undefined while the session runs. */
  readonly stopReason?: string;
  readonly eventIds: readonly string[];
  /** `readTail` saw something after this idle, so it ends nothing any more. */
  readonly passed?: boolean;
  /** Its `event_ids` were held against the server once (§2.7). */
  readonly rechecked?: boolean;
}

/** A stop that was asked for; times in ms. */
export interface Stop {
  readonly at: number;
  readonly graceMs: number;
  readonly reason: string;
  readonly settleMs?: number;
  readonly answers?: boolean;
}

/** What was seen of a call that is not known yet: a verdict or an answer may come before its call (I1). */
export interface Early {
  readonly verdict?: 'allow' | 'deny';
  readonly answered?: true;
}

export interface SessionState {
  readonly version: 1;
  readonly sessionId: string;
  /** Counts folded events; the position of the next one. */
  readonly seq: number;
  /** The newest stamp: where an event without one stands. */
  readonly newest: string;
  /** Ids of the newest folded events (I1), `queued:` before those of user events that have no stamp yet. */
  readonly recent: readonly string[];
  /** Whether the present listener has read the history to its end (§2.1). */
  readonly listed: boolean;
  readonly calls: Readonly<Record<string, Call>>;
  /** Ids of the calls that are not settled, in order. */
  readonly pending: readonly string[];
  readonly early: Readonly<Record<string, Early>>;
  readonly interrupts: readonly Interrupt[];
  readonly endedThreads: readonly string[];
  /** The thread that the first thread status names; calls without a thread are its calls. */
  readonly primary?: { readonly thread: string; readonly order: Order };
  readonly turn?: Turn;
  /** The newest event that is not idle-neutral: an idle counts only while it is that event. */
  readonly loudest: Order;
  /** Set for good by `session.status_terminated` and `session.deleted`. */
  readonly ended?: 'session.status_terminated' | 'session.deleted';
  /** Undefined until `describeTools` answered. */
  readonly tools?: readonly ServedTool[];
  /** Counts what restarts a full idle window: a settled call, a wake. */
  readonly windows: number;
  /** Ids that `requires_action` names and that are nobody's call of ours (an MCP call, say). */
  readonly foreign: readonly string[];
  /** Told with the next result that is posted. */
  readonly notice?: string;
  readonly stop?: Stop;
  /** Settled calls dropped to keep the state bounded (I11). */
  readonly forgotten: number;
  /** How many places were given (`Call.place`); absent: none. */
  readonly places?: number;
}

/** The state of a session of which nothing is known yet. */
export function initialState(sessionId: string): SessionState {
  return {
    version: 1,
    sessionId,
    seq: 0,
    newest: '',
    recent: [],
    listed: false,
    calls: {},
    pending: [],
    early: {},
    interrupts: [],
    endedThreads: [],
    loudest: FIRST,
    windows: 0,
    foreign: [],
    forgotten: 0,
  };
}

/** `calls[id]`, safe against ids such as `constructor`. */
export function callOf(state: SessionState, id: string): Call | undefined {
  return Object.hasOwn(state.calls, id) ? state.calls[id] : undefined;
}

/** The calls that are not settled, in order; a list of its own, so that they may be settled while it is walked. */
export function pendingCalls(state: SessionState): Call[] {
  const calls: Call[] = [];
  // A loop, since every step of a turn of thousands of calls begins here.
  for (const id of state.pending) {
    const call = callOf(state, id);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

/** Whether a call waits for a verdict; neither a `deny` of the server nor one of a person is waited for. */
export function isHeld(call: Call): boolean {
  return call.phase.kind === 'waiting' && call.permission === 'ask' && call.verdict === undefined;
}

/** Whether nothing more is to come of a call here: it is settled, or left to the client that owns its tool. */
export function isOver(call: Call): boolean {
  if (call.phase.kind === 'settled') return true;
  return call.owned === false && call.phase.kind === 'waiting' && !isHeld(call);
}
