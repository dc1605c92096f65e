/**
 * One run of a session's workflow: the state that is folded, and what only this run knows. All that changes it
 * goes through `fold`, so that whoever waits for a change sees each one.
 */
import { type CancellationScope, workflowInfo } from '@temporalio/workflow';
import { type Draft, draftOf } from '../session/draft.ts';
import type { SessionEvent } from '../session/events.ts';
import { isSessionEvent } from '../session/events.ts';
import { foldInto } from '../session/evolve.ts';
import type { Fact } from '../session/facts.ts';
import { type IdleWindow, idleWindow } from '../session/idle.ts';
import { unpacked } from '../session/packed-calls.ts';
import { initialState, type SessionState } from '../session/state.ts';
import type { Wait } from '../session/stuck.ts';
import type { Cursor, EventBatch, ListenerId, SessionSummary } from './messages.ts';
import { SessionNotices } from './notices.ts';
import {
  DEFAULT_OPTIONS,
  type RecordLine,
  type RunOptions,
  type RunSessionInput,
  type Workspace,
} from './run-input.ts';
import { SessionWork } from './work-item.ts';

const RECORD_LINES = 100;

export interface Ending {
  readonly state: SessionSummary['state'];
  readonly reason: string;
}

export class Run {
  readonly sessionId: string;
  readonly epoch: number;
  /** When the first run of the chain began, Unix ms. */
  readonly startedAt: number;
  options: RunOptions;
  /** Grows with every change; whoever waits compares it. */
  revision = 0;
  cursor: Cursor;
  /** Whether the run before has left out calls that stand behind the cursor. */
  readonly rereads: boolean;
  lease = 0;
  /** Batches that were signalled and not folded yet. */
  readonly inbox: EventBatch[] = [];
  workspace: Workspace | null;
  /** Whether the tool host is known to have been started and not closed since. */
  workspaceOpen: boolean;
  /** The `openWorkspace` under way, shared by all calls that want it. */
  opening: Promise<Workspace> | undefined;
  openingScope: CancellationScope | undefined;
  /** The host that is held for lost, while another is looked for. */
  lostHost: string | undefined;
  /** `runTool` activities under way, each on the host of `workspace`. */
  attached = 0;
  /** The run before, until this one has opened a workspace: what it had started must not start again (I4). */
  previous: { readonly runId: string } | undefined;
  /** The id of the run that asked where the session ran last; after a Reset it is another one's. */
  lookedUpBy: string | null;
  /** Activities that post; a run that continues as new lets them end. */
  posts = 0;
  title: string | null;
  /** Whether the server knows our search attributes; told by `openSession`. */
  searchAttributes: boolean;
  record: RecordLine[];
  /** The idle window that runs, and since when (ms of the workflow's clock). */
  window: (IdleWindow & { readonly from: number }) | undefined;
  /** Set by the watchdog: the session ended by being idle, unless something happens before it is acted on. */
  idleEnd: string | undefined;
  /** What `nextStep` said ends the run. */
  ending: Ending | undefined;
  /** Why the run has ended. */
  over: string | undefined;
  /** What ends the run as failed. */
  failure: { readonly error: unknown } | undefined;
  /** This run is about to continue as new: nothing more is started. */
  rotating = false;
  /** The search attributes as last written. */
  shownState: string | undefined;
  shownHeld = false;
  /** What should pass by itself soon, beside what the state tells (stuck.ts). */
  readonly waits = new Set<Wait>();
  /** Since when (ms of the workflow's clock) the session's history is being read. */
  unlistedSince: number | undefined;
  /** What has not passed for `stuckAfterMs`. */
  stuck: Wait | undefined;
  /** What the run before was stuck on when it continued as new. */
  readonly stuckBefore: Wait | undefined;
  /** What people on duty are told of it. */
  readonly notices: SessionNotices;
  /** The work item it holds, if it holds one. */
  readonly work: SessionWork;
  #newest: ListenerId | undefined;
  #state: Draft;

  constructor(input: RunSessionInput) {
    const { carried } = input;
    this.sessionId = input.sessionId;
    this.options = { ...DEFAULT_OPTIONS, ...input.options };
    this.#state = draftOf(
      carried === undefined ? initialState(input.sessionId) : unpacked(carried.state, carried.settled),
    );
    this.epoch = carried?.epoch ?? 0;
    this.startedAt = carried?.startedAt ?? Date.now();
    this.cursor = carried?.cursor ?? { at: null };
    this.rereads = carried?.rereads ?? false;
    this.workspace = carried?.workspace ?? null;
    this.workspaceOpen = this.workspace !== null && carried?.previous === undefined;
    this.previous = carried?.previous;
    this.lookedUpBy = carried?.lookedUpBy ?? null;
    this.record = [...(carried?.record ?? [])];
    this.title = carried?.title ?? null;
    this.searchAttributes = carried?.searchAttributes ?? false;
    this.stuckBefore = carried?.stuck;
    // One that older code carried tells nobody: its history knows no notices.
    const notices = carried === undefined ? undefined : (carried.notices ?? null);
    this.notices = new SessionNotices(notices, carried?.stuck?.since);
    this.work = new SessionWork(input.work, carried?.work);
  }

  /** What every activity that speaks to the API is told: the session, and whose credential to use for it. */
  get session(): { readonly sessionId: string; readonly credential?: string } {
    const { sessionId } = this;
    const credential = this.work.held?.item.sealedToken;
    return credential === undefined ? { sessionId } : { sessionId, credential };
  }

  /** Nobody may keep it over a `fold`: it is folded in place. */
  get state(): SessionState {
    return this.#state;
  }

  set state(next: SessionState) {
    this.#state = draftOf(next);
  }

  fold(...items: readonly (SessionEvent | Fact)[]): void {
    foldInto(this.#state, items, Date.now());
    const window = idleWindow(this.state);
    if (window?.key !== this.window?.key) this.window = window && { ...window, from: Date.now() };
    this.unlistedSince = this.state.listed ? undefined : (this.unlistedSince ?? Date.now());
    this.revision++;
  }

  /** Appends a batch; one of an older listener is ignored (it may be a frozen worker that woke up). */
  receive(batch: EventBatch): void {
    // Before this run has scheduled a listener, only one of another run can speak.
    if (!isBatch(batch) || batch.epoch !== this.epoch || this.lease === 0) return;
    if (isOlder(batch, this.#newest)) return;
    const { epoch, lease, attempt, run, scheduledAt } = batch;
    this.#newest = {
      epoch,
      lease,
      attempt,
      ...(run === undefined ? {} : { run }),
      ...(scheduledAt === undefined ? {} : { scheduledAt }),
    };
    this.inbox.push(batch);
    this.revision++;
  }

  /** Folds what was signalled. */
  takeInbox(): void {
    for (const batch of this.inbox.splice(0)) {
      const listing: Fact[] = batch.listed || !this.state.listed ? [] : [{ type: 'listing' }];
      const listed: Fact[] = batch.listed && !this.isListed() ? [{ type: 'listed' }] : [];
      this.cursor = batch.cursor;
      this.fold(...listing, ...batch.events, ...listed);
    }
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.revision++;
  }

  note(what: string): void {
    this.record = [...this.record, { at: new Date().toISOString(), what }].slice(-RECORD_LINES);
  }

  touch(): void {
    this.revision++;
  }

  /**
   * Whether the history has grown so long that the next run must take over (I11). A lease's end is the quiet
   * moment for it, so there half the length is enough, and so is another build that has become current: a pinned run
   * would keep the old one in service until it ends.
   */
  isLong(atLeaseEnd = false): boolean {
    const info = workflowInfo();
    const limit = atLeaseEnd ? this.options.maxHistory / 2 : this.options.maxHistory;
    if (atLeaseEnd && info.targetWorkerDeploymentVersionChanged) return true;
    return info.continueAsNewSuggested || info.historyLength >= limit;
  }

  isListed(): boolean {
    return this.state.listed && this.state.pending.every(id => this.state.calls[id]?.listed !== false);
  }
}

function isOlder(batch: ListenerId, newest: ListenerId | undefined): boolean {
  if (newest === undefined) return false;
  if (batch.run !== newest.run) return (batch.scheduledAt ?? 0) < (newest.scheduledAt ?? 0);
  return batch.lease < newest.lease || (batch.lease === newest.lease && batch.attempt < newest.attempt);
}

/** A signal may come from anybody (the UI, a script): what is not a batch is dropped, never thrown at (§2.2). */
function isBatch(batch: unknown): batch is EventBatch {
  const { events, cursor, epoch, lease, attempt } = (batch ?? {}) as Partial<EventBatch>;
  return (
    [epoch, lease, attempt].every(Number.isInteger) &&
    typeof cursor === 'object' &&
    cursor !== null &&
    Array.isArray(events) &&
    events.every(isSessionEvent)
  );
}
