/**
 * The calls of a host. A call id is one slot, filled by whoever asks first: a start, an attachment and a stop that
 * come at once meet in it, so that the journal's answer to "may it start?" is asked and given once (I4).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../failpoint.ts';
import { textBlock } from '../session/answers.ts';
import type { Evidence, ToolOutcome } from '../session/outcome.ts';
import { stoppedReport } from '../session/report.ts';
import { oneLineInput } from './evidence.ts';
import type { Fence } from './fence.ts';
import { killLeftovers, settleInterrupted } from './interrupted-call.ts';
import { type Journal, type StartRecord, sha256 } from './journal.ts';
import type { HostLimits } from './limits.ts';
import { bootId } from './processes.ts';
import type { CallAnswer, CallRequest, NoHost, OutcomeAnswer, RunningCall, StopAnswer } from './protocol.ts';
import { Run } from './run.ts';
import type { Toolbox } from './toolbox.ts';

export interface CallsOptions {
  readonly incarnation: string;
  readonly journal: Journal;
  readonly toolbox: Toolbox;
  readonly limits: HostLimits;
  readonly fence: Fence;
}

type Slot =
  | { readonly kind: 'running'; readonly run: Run }
  | { readonly kind: 'ended'; readonly outcome: ToolOutcome }
  /** Stopped before it was ever started. */
  | { readonly kind: 'barred'; readonly outcome: ToolOutcome }
  | { readonly kind: 'refused'; readonly reason: string }
  | NoHost;

const STALE = 'the worker that asked has not reached Temporal for too long';

/** How often an idempotent call may be started in all. */
const MOST_STARTS = 3;

export class Calls {
  readonly #options: CallsOptions;
  readonly #slots = new Map<string, Promise<Slot>>();
  readonly #running = new Map<string, Run>();
  /** Calls whose start marker could not be made durable, and the start before that one. */
  readonly #unstarted = new Map<string, StartRecord | undefined>();
  #closing = false;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  get running(): RunningCall[] {
    return [...this.#running.values()].map(run => run.describe());
  }

  /** Whether no call runs or is about to. */
  get idle(): boolean {
    return this.#slots.size === 0;
  }

  /** Starts the call unless the journal knows it, and waits up to `waitMs` for its outcome. */
  async startOrAttach(id: string, request: CallRequest): Promise<CallAnswer> {
    if (!this.#options.fence.admits(request.acceptedAt)) return { kind: 'stale', reason: STALE };
    const slot = await (this.#slots.get(id) ?? this.#fill(id, () => this.#begin(id, request)));
    switch (slot.kind) {
      case 'ended':
      case 'barred':
        return { kind: 'outcome', outcome: slot.outcome };
      case 'refused':
      case 'no-host':
        return slot;
      case 'running': {
        const outcome = await within(slot.run.outcome, request.waitMs);
        if (outcome !== undefined) return { kind: 'outcome', outcome };
        const { startedAt, outputBytes } = slot.run.describe();
        return { kind: 'running', startedAt, outputBytes };
      }
    }
  }

  /** Ends the call with all its processes, or sees to it that it never starts. */
  async stop(id: string): Promise<StopAnswer> {
    const slot = await (this.#slots.get(id) ?? this.#fill(id, () => this.#bar(id)));
    switch (slot.kind) {
      case 'running': {
        slot.run.stop();
        const outcome = await slot.run.outcome;
        await failpoint('stop.killed');
        return { kind: outcome.kind === 'stopped' ? 'stopped' : 'already-ended', outcome };
      }
      case 'barred':
        return { kind: 'not-started', outcome: slot.outcome };
      case 'ended':
        return { kind: 'already-ended', outcome: slot.outcome };
      case 'no-host':
        return slot;
      case 'refused':
        // A PUT of a tool we do not serve left no trace, so it can still be barred.
        return this.stop(id);
    }
  }

  async outcome(id: string, full: boolean): Promise<OutcomeAnswer> {
    const { journal } = this.#options;
    const outcome = full ? await journal.readWholeOutcome(id) : await journal.readOutcome(id);
    return outcome === undefined ? { kind: 'none' } : { kind: 'outcome', outcome };
  }

  /** Lets nothing new start. With `graceMs` over, stops what runs. @returns the ids that were stopped. */
  async shut(graceMs: number): Promise<string[]> {
    this.#closing = true;
    // What is between its claim and its start is let through first, or it would start behind our back.
    await Promise.allSettled(this.#slots.values());
    const runs = [...this.#running.values()];
    await within(Promise.all(runs.map(run => run.outcome)), graceMs);
    this.stopAll();
    const outcomes = await Promise.all(runs.map(async run => ({ run, outcome: await run.outcome })));
    return outcomes.filter(({ outcome }) => outcome.kind === 'stopped').map(({ run }) => run.describe().id);
  }

  stopAll(): void {
    for (const run of this.#running.values()) run.stop();
  }

  /** Ends all that runs, for good and with no grace: another host may go on with the session soon. */
  async fence(why: string): Promise<void> {
    this.#closing = true;
    const runs = [...this.#running.values()];
    for (const run of runs) run.fence(why);
    await Promise.all(runs.map(run => run.outcome));
  }

  #fill(id: string, make: () => Promise<Slot>): Promise<Slot> {
    const slot = make();
    this.#slots.set(id, slot);
    const forget = (): void => {
      this.#slots.delete(id);
      this.#running.delete(id);
    };
    slot.then(
      filled => (filled.kind === 'running' ? filled.run.outcome.then(forget, forget) : forget()),
      forget,
    );
    return slot;
  }

  async #begin(id: string, request: CallRequest): Promise<Slot> {
    const { journal, toolbox } = this.#options;
    if (!toolbox.serves(request.name)) {
      return { kind: 'refused', reason: `this host serves no tool named ${request.name}` };
    }
    const fresh = await journal.claim(id);
    await failpoint('call.claimed');
    const past = fresh ? undefined : await this.#past(id);
    if (past?.outcome !== undefined) return { kind: 'ended', outcome: past.outcome };
    const started = past?.started;
    if (started !== undefined && !(request.idempotent && started.starts < MOST_STARTS)) {
      return { kind: 'ended', outcome: await settleInterrupted(this.#options, id, started) };
    }
    if (this.#closing) return { kind: 'no-host', reason: 'the tool host is closing' };
    if (started !== undefined) await killLeftovers(this.#options, id);
    return this.#start(id, request, started);
  }

  async #start(id: string, request: CallRequest, earlier: StartRecord | undefined): Promise<Slot> {
    const { journal, toolbox, limits, incarnation, fence } = this.#options;
    const record: StartRecord = {
      name: request.name,
      inputHash: sha256(JSON.stringify(request.input) ?? ''),
      input: oneLineInput(request.name, request.input),
      starts: (earlier?.starts ?? 0) + 1,
      startedAt: earlier?.startedAt ?? Date.now(),
      hostPid: process.pid,
      bootId: bootId(),
    };
    try {
      await journal.recordStart(id, record);
    } catch (error) {
      // Its marker may stand, but it did not start: the next attempt may start it (I4).
      this.#unstarted.set(id, earlier);
      throw error;
    }
    this.#unstarted.delete(id);
    await failpoint('marker.durable');
    // A disk may stall for longer than the fence allows: the tool must not start behind a successor's back.
    if (!fence.admits(request.acceptedAt))
      return { kind: 'ended', outcome: await this.#neverRan(id, record) };
    const run = new Run({ id, request, record, journal, toolbox, limits, incarnation });
    this.#running.set(id, run);
    return { kind: 'running', run };
  }

  async #neverRan(id: string, { name, startedAt }: StartRecord): Promise<ToolOutcome> {
    const finishedAt = Date.now();
    const evidence: Evidence = { input: '', startedAt, endedAt: finishedAt, lastLines: [], survivors: [] };
    const content = [textBlock(stoppedReport(name, STALE, evidence, 0))];
    const ended = { startedAt, finishedAt, starts: 0 };
    return this.#options.journal.recordOutcome(id, { kind: 'answered', isError: true, content, ...ended });
  }

  async #bar(id: string): Promise<Slot> {
    const { journal } = this.#options;
    const fresh = await journal.claim(id);
    const past = fresh ? undefined : await this.#past(id);
    if (past?.outcome !== undefined) return { kind: 'ended', outcome: past.outcome };
    if (past?.started !== undefined) {
      return { kind: 'ended', outcome: await settleInterrupted(this.#options, id, past.started) };
    }
    const now = Date.now();
    const evidence: Evidence = { input: '', startedAt: now, endedAt: now, lastLines: [], survivors: [] };
    const outcome: ToolOutcome = { kind: 'stopped', evidence, startedAt: now, finishedAt: now, starts: 0 };
    return { kind: 'barred', outcome: await journal.recordOutcome(id, outcome) };
  }

  async #past(id: string): Promise<{ outcome: ToolOutcome | undefined; started: StartRecord | undefined }> {
    const { journal } = this.#options;
    const outcome = await journal.readOutcome(id);
    const started = this.#unstarted.has(id) ? this.#unstarted.get(id) : await journal.readStart(id);
    return { outcome, started };
  }
}

/** What the promise gives within `ms`, or undefined. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, sleep(Math.max(0, ms), undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
