/**
 * Tells people on duty (docs/notifications.md). A notice goes out in a workflow of its own, which no end of the
 * session's run takes along: the run only starts it, so a receiver that is away costs a session nothing.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, condition, isCancellation, sleep, startChild, uuid4 } from '@temporalio/workflow';
import { countOpen } from '../session/active-calls.ts';
import { undecidedCalls } from '../session/approvals.ts';
import { heldCalls } from './approvals.ts';
import { callsHeld, callsUnknown, type Notice, type UnknownCall } from './notice.ts';
import type { Run } from './run.ts';
import type { sendNotice } from './send-notice.ts';

/** What one run hands to the next. */
export interface CarriedNotices {
  readonly told: readonly string[];
  readonly unknown: readonly UnknownCall[];
  readonly outbox: readonly Notice[];
}

/** So long are held calls gathered, so that a burst of them is one notice. */
const GATHER_MS = 1_000;
/** Between two notices of a session; what comes meanwhile is told together. */
const GAP_MS = 10_000;
/** The server starts a notice in milliseconds; a session's end does not wait longer. */
const HAND_OVER_MS = 10_000;
/** A notice is given up after a day, and so is its workflow where its worker is not there to do it. */
const LONGEST_MS = 25 * 3_600_000;

export class SessionNotices {
  /** Whether anybody is to be told; null: `openSession` has not said yet. */
  wanted: boolean | null;
  /** Held calls that were told. */
  #told: Set<string>;
  #stuckSince: number | undefined;
  #unknown: UnknownCall[];
  /** Not started yet, as far as is known. */
  readonly #outbox: Set<Notice>;

  constructor(carried: CarriedNotices | null | undefined, stuckSince: number | undefined) {
    this.wanted = carried === undefined ? null : carried !== null;
    this.#told = new Set(carried?.told);
    this.#stuckSince = stuckSince;
    this.#unknown = [...(carried?.unknown ?? [])];
    this.#outbox = new Set(carried?.outbox);
  }

  /** Null where nobody is to be told. */
  carried(): CarriedNotices | null {
    if (this.wanted === false) return null;
    return { told: [...this.#told], unknown: this.#unknown, outbox: [...this.#outbox] };
  }

  /** The report of the unknown of these calls has reached the agent. */
  reported(calls: readonly UnknownCall[]): void {
    if (this.wanted === true) this.#unknown.push(...calls);
  }

  /** Whether something is to be told. A session may be stuck before it is known whether anybody listens. */
  hasNews(run: Run): boolean {
    if (this.wanted === false) return false;
    if (this.#outbox.size > 0 || this.#unknown.length > 0) return true;
    if (run.stuck !== undefined && run.stuck.since !== this.#stuckSince) return true;
    return this.wanted === true && undecidedCalls(run.state).some(({ id }) => !this.#told.has(id));
  }

  /** Puts what is to be told into notices. */
  gather(run: Run): void {
    const about = { session: run.sessionId, title: run.title, host: run.workspace?.host ?? null };
    const made = () => ({ id: `msg_${uuid4()}`, timestamp: new Date().toISOString() });
    const undecided = undecidedCalls(run.state).map(({ id }) => id);
    const news = new Set(undecided.filter(id => !this.#told.has(id)));
    // One whose decision the API refused has left the list, and waits for a person anew.
    this.#told = new Set(undecided);
    if (news.size > 0) {
      const held = heldCalls(run).filter(({ call }) => news.has(call));
      this.#outbox.add({ ...made(), type: 'calls.held', data: callsHeld(about, held, news.size) });
    }
    if (this.#unknown.length > 0)
      this.#outbox.add({ ...made(), type: 'calls.unknown', data: callsUnknown(about, this.#unknown) });
    this.#unknown = [];
    const { stuck } = run;
    if (stuck !== undefined && stuck.since !== this.#stuckSince) {
      const since = new Date(stuck.since).toISOString();
      const openCalls = countOpen(run.state);
      const data = { ...about, waitingFor: stuck.what, since, openCalls };
      this.#outbox.add({ ...made(), type: 'session.stuck', data });
    }
    this.#stuckSince = stuck?.since;
  }

  /** Starts all that is there; a notice counts as started when the server says so. */
  async handOver(): Promise<void> {
    const started = [...this.#outbox].map(async notice => {
      await CancellationScope.nonCancellable(() => start(notice));
      this.#outbox.delete(notice);
    });
    await Promise.all(started);
  }
}

export async function keepTelling(run: Run): Promise<void> {
  const { notices } = run;
  try {
    for (;;) {
      await condition(() => notices.hasNews(run) && !run.rotating);
      await sleep(GATHER_MS, { summary: 'what happens together is told together' });
      notices.gather(run);
      await notices.handOver();
      await sleep(GAP_MS, { summary: 'until people may be told again' });
    }
  } catch (error) {
    if (!isCancellation(error)) run.note(`people on duty cannot be told: ${error}`);
  }
}

/** At the run's end, which waits for the server to take what is still to be told, and not for a receiver. Never throws. */
export async function tellLast(run: Run): Promise<void> {
  const { notices } = run;
  if (notices.wanted !== true || !notices.hasNews(run)) return;
  await CancellationScope.nonCancellable(async () => {
    notices.gather(run);
    let over = false;
    const done = () => {
      over = true;
    };
    notices.handOver().then(done, done);
    await condition(() => over, HAND_OVER_MS, { summary: 'until the last notice is on its way' });
  });
}

/** Its id makes a notice that an earlier run, or the same run before a Reset, has started no second one. */
async function start(notice: Notice): Promise<void> {
  const { id, type, data } = notice;
  try {
    await startChild<typeof sendNotice>('sendNotice', {
      workflowId: `${data.session}/${id}`,
      args: [notice],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowExecutionTimeout: LONGEST_MS,
      workflowTaskTimeout: 5_000,
      parentClosePolicy: 'ABANDON',
      cancellationType: 'ABANDON',
      staticSummary: `${type} of ${data.session}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
