/** What `runSession` is started with, and what one run hands to the next. */
import type { PackedCalls } from '../session/packed-calls.ts';
import type { SessionState } from '../session/state.ts';
import type { Wait } from '../session/stuck.ts';
import type { Cursor, WorkItem } from './messages.ts';
import type { CarriedNotices } from './notices.ts';
import type { CarriedWork } from './work-item.ts';

/** Every limit of a session's run. Milliseconds, unless a name says otherwise. */
export interface RunOptions {
  /** Without an event for this long after the turn ended, the run ends; 0 never. */
  readonly maxIdleMs: number;
  /** So long after its start the run is stopped, as a person's stop does; 0 or absent: never. */
  readonly maxDurationMs?: number;
  /** A held call that nobody has decided about for so long is denied; 0 or absent: never. */
  readonly approvalDeadlineMs?: number;
  /** A run that waits for so long for what should pass by itself counts as stuck; 0 or absent: none does. */
  readonly stuckAfterMs?: number;
  /** Calls that may run at a time. */
  readonly maxParallel: number;
  /** What the server has for closing interrupted calls before we answer them (§2.8). */
  readonly interruptGraceMs: number;
  /** Length of a listener's lease. */
  readonly leaseMs: number;
  /** Events after which a listener's lease ends early. */
  readonly leaseEvents: number;
  /** History events after which a run continues as new, if the server does not suggest it sooner. */
  readonly maxHistory: number;
  /** How long a run that continues as new waits for posts under way. */
  readonly drainMs: number;
  /** How long it waits before that for running calls to end; 0 or absent: not at all. */
  readonly lastCallsMs?: number;
}

/** What a run is started with unless its starter says otherwise. No defaults of runs: older ones were recorded without. */
export const STANDARD_OPTIONS = {
  /**
   * A sibling of a worker that died reads the whole run first, about 1 ms an event (docs/performance.md), so short
   * runs move again sooner; and each continue-as-new costs its call a tenth of a second.
   */
  maxHistory: 1_000,
  /**
   * A call that ends while its run is handed on makes the server refuse the hand-over, and the worker then reads the
   * whole run again, which takes longer than this.
   */
  lastCallsMs: 250,
  stuckAfterMs: 300_000,
} as const satisfies Partial<RunOptions>;

export const DEFAULT_OPTIONS: RunOptions = {
  maxIdleMs: 60_000,
  maxParallel: 8,
  interruptGraceMs: 10_000,
  leaseMs: 600_000,
  leaseEvents: 200,
  maxHistory: 3_000,
  drainMs: 30_000,
};

/** Where a session's files are: the host, and the incarnation of its journal (§4). */
export interface Workspace {
  readonly host: string;
  readonly incarnation: string;
  /** After how many milliseconds without its host the session may be taken over by another; absent or 0: never. */
  readonly hostLostMs?: number;
}

export interface RecordLine {
  readonly at: string;
  readonly what: string;
}

export interface Carried {
  /** Without the settled calls, unless older code has written it. */
  readonly state: SessionState;
  readonly settled?: PackedCalls;
  readonly epoch: number;
  /** When the first run of this chain began, Unix ms; absent in those of older code. */
  readonly startedAt?: number;
  readonly cursor: Cursor;
  /** Calls behind the cursor were left out of the state: they are to be read again. */
  readonly rereads?: boolean;
  readonly workspace: Workspace | null;
  /** The run before the first of this chain, while no workspace was opened. */
  readonly previous?: { readonly runId: string };
  readonly record: readonly RecordLine[];
  readonly title: string | null;
  readonly searchAttributes: boolean;
  /** Which run asked where the session ran last. */
  readonly lookedUpBy?: string | null;
  readonly work?: CarriedWork;
  readonly stuck?: Wait;
  /** Null: nobody is to be told. */
  readonly notices?: CarriedNotices | null;
}

export interface RunSessionInput {
  readonly sessionId: string;
  /** The work item that it is started for: nothing is done before it is acknowledged. */
  readonly work?: WorkItem;
  readonly options?: Partial<RunOptions>;
  /** Set by continue-as-new only. */
  readonly carried?: Carried;
}
