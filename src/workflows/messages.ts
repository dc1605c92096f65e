/**
 * The public contract of a running session's workflow: every signal, update and query, with its payload.
 * The workflow's type is `runSession`, its id is the session's id (one owner per session).
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CallTimes } from '../session/call-times.ts';
import type { SessionEvent } from '../session/events.ts';
import type { ServedTool } from '../session/served-tool.ts';

/** How far a session's events are read: the newest `processed_at` that was signalled; null: nothing yet. */
export interface Cursor {
  readonly at: string | null;
}

/** Which listener speaks: a batch of an older one is ignored (a frozen worker may wake up and signal). */
export interface ListenerId {
  /** Counts the runs of the session's workflow chain (continue-as-new). */
  readonly epoch: number;
  /** Counts the listener's leases within the epoch. */
  readonly lease: number;
  /** Temporal's attempt of that lease. */
  readonly attempt: number;
  /**
   * The id of the run that it listens for. A listener of the run before may speak to this one, and a Reset in the
   * UI begins the counts anew: between runs, whoever was scheduled later is the newer listener.
   */
  readonly run?: string;
  /** When the server scheduled the attempt (Unix ms, the server's clock). */
  readonly scheduledAt?: number;
}

/** What the listener signals. */
export interface EventBatch extends ListenerId {
  readonly events: readonly SessionEvent[];
  /** False while a (re)attach has not read the history to its end: its calls do not start yet (§2.1). */
  readonly listed: boolean;
  readonly cursor: Cursor;
}

export const eventsSignal = defineSignal<[EventBatch]>('events');

/** Restarts the idle window; sent by every `start`, so that a run about to end looks again. Absent: as it was. */
export interface Wake {
  /** Milliseconds without an event after which the run ends; 0 never. */
  readonly maxIdleMs?: number;
  /** Milliseconds after its start at which the run is stopped; 0 never. */
  readonly maxDurationMs?: number;
  /** Milliseconds after which a held call that nobody has decided about is denied; 0 never. */
  readonly approvalDeadlineMs?: number;
}

export const wakeSignal = defineSignal<[Wake]>('wake');

/** Which tools are served from now on; sent to every running session when `up` has loaded an edited module. */
export interface ToolsChange {
  readonly tools: readonly ServedTool[];
}

export const toolsSignal = defineSignal<[ToolsChange]>('tools');

export interface StopRequest {
  /** Milliseconds that running calls may still take. */
  readonly graceMs: number;
  /** Why, in the words of who asks; shown in the session's record. */
  readonly reason: string;
}

/** A work item that was claimed for this session from its environment's queue. */
export interface WorkItem {
  readonly environmentId: string;
  readonly workId: string;
  /** Names the claim: the same claim may be told several times, another one means that it was offered again. */
  readonly claim: string;
  /** The item's sessions token, sealed for this session; absent: the worker's environment key is used. */
  readonly sealedToken?: string;
  /** Who claimed it has acknowledged it already. */
  readonly acked?: boolean;
  /** What the first heartbeat is to expect where somebody else made the last one. */
  readonly lastHeartbeat?: string;
}

export type Adoption =
  /** It is acknowledged, and its lease is kept. */
  | { readonly kind: 'adopted' }
  /** It is not ours to serve. */
  | { readonly kind: 'dropped'; readonly reason: string };

/** Type of the failure that rejects an item for a run that is about to end: the next run takes it. */
export const RUN_ENDS = 'RunEnds';

/** What `openWorkspace` fails with, for good, where a memory store of a work item cannot be mounted. */
export const MOUNT_FAILED = 'MountFailed';

/** Answers when the item is acknowledged. A newer item replaces an older one. */
export const adoptWorkUpdate = defineUpdate<Adoption, [WorkItem]>('adoptWork');

export const stopUpdate = defineUpdate<{ stopping: true }, [StopRequest]>('stop');

/** What a person decided about a call that waits for an approval. */
export interface ApprovalAnswer {
  readonly callId: string;
  readonly result: 'allow' | 'deny';
  /** Told to the agent; with `deny` only. */
  readonly message?: string;
  /** Who decided, for the record. */
  readonly by?: string;
}

/** The answer is durable; it counts once the API has taken it. */
export interface ApprovalAccepted {
  readonly accepted: true;
}

/** Rejected, with words for whoever asked, unless the call waits for an approval. */
export const answerApprovalUpdate = defineUpdate<ApprovalAccepted, [ApprovalAnswer]>('answerApproval');

/** A call that waits for an approval. Times are ISO strings. */
export interface HeldCall {
  readonly session: string;
  readonly call: string;
  readonly type: 'agent.tool_use' | 'agent.custom_tool_use';
  readonly name: string;
  /** `bash: npm test`: the name and the input as one short line. */
  readonly summary: string;
  /** As the agent wrote it; null where it is too large to be kept (over 64 kB). */
  readonly input: unknown;
  readonly thread: string | null;
  /** Whether the tool is one of ours; null: not known yet. The API asks for a verdict in any case. */
  readonly owned: boolean | null;
  readonly since: string;
  /** When it will be denied for want of an answer; null: never. */
  readonly deadline: string | null;
}

/** One call as people and programs see it (design §9). Times are ISO strings. */
export interface CallRecord {
  readonly id: string;
  readonly name: string;
  readonly state: 'held' | 'open' | 'running' | 'finished' | 'settled' | 'void' | 'unowned';
  readonly isError: boolean;
  readonly posted: boolean;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly attempts: number;
}

/** What a session's run comes to (design §9): the workflow's result and the line of `start --wait --json`. */
export interface SessionSummary {
  readonly session: string;
  readonly state: 'done' | 'failed' | 'stopped';
  readonly reason: string;
  readonly host: string | null;
  readonly calls: readonly CallRecord[];
}

/** `CallRecord` with the words that tell why (I8). */
export interface CallDetail extends CallRecord, CallTimes {
  readonly type: 'agent.tool_use' | 'agent.custom_tool_use';
  /** `bash: npm test`: the name and the input as one short line. */
  readonly summary: string;
  /** How it was settled (`posted`, `answered-elsewhere`, `denied`, `void`, `refused`) or what it waits for. */
  readonly why: string;
  readonly thread: string | null;
  /** The verdict that it waited for; null: it needed none, or there is none yet. */
  readonly confirmation: 'allow' | 'deny' | null;
  /** Its place among the calls that are over, from 1 on; null while it is not. It never gets another. */
  readonly place: number | null;
}

/** The workflow's result: a summary from which each call's end can be told without a worker. */
export interface RunResult extends SessionSummary {
  readonly calls: readonly CallDetail[];
  /** The last place that was given to a call. */
  readonly places: number;
  /** As `SessionStatus` has them; absent in results of older code. */
  readonly record?: SessionStatus['record'];
  readonly interrupts?: SessionStatus['interrupts'];
}

export interface SessionStatus {
  readonly session: string;
  readonly state: 'starting' | 'running' | 'idle' | 'stopping' | 'ended';
  /** What the run waits for, in plain words. */
  readonly waitingFor: string;
  readonly host: string | null;
  readonly openCalls: number;
  readonly heldCalls: number;
  readonly unownedCalls: number;
  readonly settledCalls: number;
  /** Stops, kills, re-attachments, sweeps: what was done besides the calls, newest last, at most 100. */
  readonly record: readonly { readonly at: string; readonly what: string }[];
  /** The session's title, where it has one. */
  readonly title?: string | null;
  /** When the first run of this chain began. */
  readonly startedAt?: string;
  /** What should have passed by itself, and has been waited for too long (`HOLDFAST_STUCK_AFTER`); absent: nothing. */
  readonly stuck?: { readonly since: string; readonly what: string };
  /** The interrupts that were seen, by the server's stamps, newest last, at most 50. */
  readonly interrupts?: readonly { readonly at: string; readonly thread: string | null }[];
}

/** Asks for the calls that are over, in the order in which they were. */
export interface CallsAfter {
  /** The place behind which to begin; 0: from the first on. */
  readonly place: number;
  /** At most so many. */
  readonly limit: number;
}

export interface CallsPage {
  readonly calls: readonly CallDetail[];
  /** The place to ask from next. */
  readonly next: number;
  /** More are there already. */
  readonly more: boolean;
  /** So many calls behind the place are in the histories of earlier runs only (I11). */
  readonly missing: number;
  readonly state: SessionStatus['state'];
  /** Calls that are not over and wait for nobody. */
  readonly underWay: number;
}

/** `waitingFor` while no tool host is open: the machine may be full, or not there. */
export const WAITS_FOR_HOST = 'a host for the tools';

export const statusQuery = defineQuery<SessionStatus>('status');
export const callsQuery = defineQuery<readonly CallDetail[]>('calls');
/** What is new since the last question: following a session costs its history nothing, and no whole list each time. */
export const callsAfterQuery = defineQuery<CallsPage, [CallsAfter]>('callsAfter');
/** The calls that wait for an approval now, in order. */
export const heldQuery = defineQuery<readonly HeldCall[]>('held');
