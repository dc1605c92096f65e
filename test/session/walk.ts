/** A workflow, tool host and server in one: takes the core's steps and checks that each was allowed. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { isUndecided } from '../../src/session/approvals.ts';
import type { Decision } from '../../src/session/decision.ts';
import { draftOf } from '../../src/session/draft.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { fold, foldInto } from '../../src/session/evolve.ts';
import type { Fact } from '../../src/session/facts.ts';
import { conflict } from '../../src/session/locks.ts';
import { type Limits, type NextStep, nextStep } from '../../src/session/next-step.ts';
import { packed, unpacked } from '../../src/session/packed-calls.ts';
import { carried } from '../../src/session/records.ts';
import {
  type Call,
  callOf,
  initialState,
  isHeld,
  pendingCalls,
  type SessionState,
} from '../../src/session/state.ts';
import { delivered, finished } from './wire.ts';

const OUTCOMES = ['answered', 'stored', 'unknown', 'answered'] as const;
const DELIVERIES = ['posted', 'posted', 'alone', 'answered-elsewhere', 'void', 'refused'] as const;
/** More steps than any state may ask for before it waits. */
const PATIENCE = 500;

export class Walk {
  state: SessionState = initialState('sesn_1');
  /** The same state, folded in place as a run does, and what it is the same as. */
  #inPlace = { state: draftOf(this.state), as: this.state };
  now = 1_000_000;
  ended: NextStep | undefined;
  readonly limits: Limits & { workspaceOpen: boolean };
  /** Calls whose tool was started, ever; `unstarted` takes one out again. */
  readonly launched = new Set<string>();
  readonly posted = new Set<string>();
  readonly #running = new Set<string>();
  readonly #stopping = new Set<string>();
  readonly #posting = new Set<string>();
  /** Decisions on their way to the API. */
  readonly #confirming = new Map<string, Decision>();
  /** Decisions that were made, ever. */
  decided = 0;

  constructor(maxParallel: number, approvalDeadlineMs = 0) {
    this.limits = { maxParallel, approvalDeadlineMs, interruptGraceMs: 10_000, workspaceOpen: false };
  }

  fold(...items: readonly (SessionEvent | Fact)[]): void {
    this.#record(...items);
    this.settle();
  }

  /** Takes steps until there is nothing to do. */
  settle(): void {
    for (let steps = 0; this.ended === undefined; steps++) {
      expect(steps, 'steps without a wait').toBeLessThan(PATIENCE);
      const step = nextStep(this.state, this.now, this.limits);
      const inPlace = this.#inPlace.as === this.state ? this.#inPlace.state : this.state;
      if (!isDeepStrictEqual(nextStep(inPlace, this.now, this.limits), step))
        expect.unreachable('folded in place, a state leads to the same step');
      if (step.kind === 'wait') {
        if (step.until !== undefined) expect(step.until).toBeGreaterThan(this.now);
        return;
      }
      this.#take(step);
    }
  }

  #take(step: Exclude<NextStep, { kind: 'wait' }>): void {
    switch (step.kind) {
      case 'open-workspace':
        expect(this.limits.workspaceOpen).toBe(false);
        this.limits.workspaceOpen = true;
        return;
      case 'run':
        for (const id of step.ids) this.#start(id);
        this.#record(...step.ids.map(id => ({ type: 'started', id }) as const));
        return;
      case 'stop':
        for (const id of step.ids) {
          expect(this.#running.has(id), `${id} is stopped while it runs`).toBe(true);
          expect(this.#stopping.has(id), `${id} is stopped once`).toBe(false);
          this.#stopping.add(id);
        }
        this.#record({ type: 'stopping', ids: step.ids });
        return;
      case 'deny':
        for (const id of step.ids) {
          expect(isUndecided(this.#pending(id)), `${id} is denied only while nobody has decided`).toBe(true);
          this.#decide(id, { result: 'deny', overdue: true });
        }
        return;
      case 'confirm':
        expect(isHeld(this.#pending(step.id)), `${step.id} is confirmed while it is held`).toBe(true);
        expect(this.#confirming.has(step.id), `${step.id} is confirmed once at a time`).toBe(false);
        this.#confirming.set(step.id, step.decision);
        this.#record({ type: 'confirming', id: step.id });
        return;
      case 'post':
      case 'post-stored': {
        const ids = step.kind === 'post' ? step.ids : [step.id];
        for (const id of ids) this.#checkPost(id, step.kind === 'post-stored');
        this.#record({ type: 'posting', ids });
        return;
      }
      case 'recheck':
        this.#record({ type: 'rechecked', idleId: step.idleId, foreign: step.unknown });
        return;
      case 'end':
        this.ended = step;
        return;
      default:
        step satisfies never;
    }
  }

  #record(...items: readonly (SessionEvent | Fact)[]): void {
    if (this.#inPlace.as !== this.state) this.#inPlace.state = draftOf(this.state);
    foldInto(this.#inPlace.state, items, this.now);
    this.state = fold(this.state, items, this.now);
    this.#inPlace.as = this.state;
  }

  #start(id: string): void {
    const call = this.#pending(id);
    expect(call.phase.kind).toBe('waiting');
    expect(call).toMatchObject({ owned: true, listed: true });
    expect(call.halt).toBeUndefined();
    expect(call.answered).not.toBe(true);
    expect(call.verdict).not.toBe('deny');
    if (call.permission !== 'free') expect(call).toMatchObject({ permission: 'ask', verdict: 'allow' });
    expect(this.state.stop, 'nothing starts after a stop').toBeUndefined();
    expect(this.launched.has(id), `${id} starts once`).toBe(false);
    for (const other of this.#running)
      expect(conflict(call.locks, this.#pending(other).locks), `${id} beside ${other}`).toBe(false);
    this.launched.add(id);
    this.#running.add(id);
    expect(this.#running.size).toBeLessThanOrEqual(this.limits.maxParallel);
  }

  #checkPost(id: string, fromHost: boolean): void {
    const call = this.#pending(id);
    expect(call.owned).toBe(true);
    expect(this.#posting.has(id), `${id} is posted once at a time`).toBe(false);
    expect(this.posted.has(id), `${id} was posted`).toBe(false);
    if (call.phase.kind === 'finished') {
      expect(call.phase.outcome.kind === 'stored').toBe(fromHost);
    } else {
      expect(call.phase.kind, 'only what never ran is answered without an outcome').toBe('waiting');
      expect(this.launched.has(id)).toBe(false);
    }
    if (call.halt?.by === 'interrupt')
      expect(this.now).toBeGreaterThanOrEqual(call.halt.at + this.limits.interruptGraceMs);
    this.#posting.add(id);
  }

  #pending(id: string): Call {
    const call = callOf(this.state, id);
    if (call === undefined || !this.state.pending.includes(id)) throw new Error(`${id} is not pending`);
    return call;
  }

  #decide(id: string, decision: Decision): void {
    this.decided++;
    this.#record({ type: 'decided', id, decision });
  }

  /** A person decides about a held call, if there is one. */
  decide(pick: number): void {
    const held = this.pending.filter(isUndecided);
    const call = held[pick % Math.max(1, held.length)];
    if (call === undefined) return;
    this.#decide(call.id, { result: pick % 2 === 0 ? 'allow' : 'deny', by: 'alice' });
    this.settle();
  }

  /** Something under way comes to an end; false: nothing is under way. */
  work(pick: number): boolean {
    const tasks = [
      ...this.#running,
      ...[...this.#posting].map(id => `post ${id}`),
      ...[...this.#confirming.keys()].map(id => `confirm ${id}`),
    ];
    const task = tasks[pick % Math.max(1, tasks.length)];
    if (task === undefined) return false;
    if (task.startsWith('post ')) this.#deliver(task.slice(5), pick);
    else if (task.startsWith('confirm ')) this.#confirm(task.slice(8), pick);
    else this.#finish(task, pick);
    return true;
  }

  #finish(id: string, pick: number): void {
    this.#running.delete(id);
    if (this.#stopping.delete(id)) {
      this.fold(finished(id, 'stopped'));
    } else if (pick % 7 === 0) {
      this.launched.delete(id);
      this.fold({ type: 'unstarted', id });
    } else {
      this.fold(finished(id, OUTCOMES[pick % OUTCOMES.length] ?? 'answered'));
    }
  }

  #confirm(id: string, pick: number): void {
    const result = this.#confirming.get(id)?.result ?? 'deny';
    this.#confirming.delete(id);
    // A session that has ended takes no verdict.
    const over = this.ended?.kind === 'end' && this.ended.state === 'done';
    if (over || pick % 5 === 0) {
      this.fold({ type: 'unconfirmed', id, over: over || pick % 2 === 0, reason: '400' });
      return;
    }
    const verdict = { type: 'user.tool_confirmation', tool_use_id: id, result, processed_at: null } as const;
    this.fold({ ...verdict, id: `own-${id}` });
  }

  #deliver(id: string, pick: number): void {
    this.#posting.delete(id);
    const wanted = DELIVERIES[pick % DELIVERIES.length] ?? 'posted';
    // Posted alone, a result is posted, or classified for good.
    const how = wanted === 'alone' && callOf(this.state, id)?.alone ? 'posted' : wanted;
    if (how === 'posted') this.posted.add(id);
    this.fold(delivered(id, how));
  }

  /** The workflow continues as new: a stop and a post under way are asked for again, tools go on. */
  rotate(): void {
    this.#stopping.clear();
    this.#posting.clear();
    this.#confirming.clear();
    const { state, settled } = JSON.parse(JSON.stringify(packed(carried(this.state))));
    this.state = unpacked(state, settled);
    this.settle();
  }

  /** Lets time pass, and everything under way end, until nothing more happens. */
  drain(): void {
    for (let rounds = 0; rounds < PATIENCE && this.ended === undefined; rounds++) {
      // 13: neither `unstarted` nor `alone`, so that it comes to an end.
      while (this.ended === undefined && this.work(13));
      if (this.ended !== undefined) return;
      const step = nextStep(this.state, this.now, this.limits);
      const inPlace = this.#inPlace.as === this.state ? this.#inPlace.state : this.state;
      if (!isDeepStrictEqual(nextStep(inPlace, this.now, this.limits), step))
        expect.unreachable('folded in place, a state leads to the same step');
      if (step.kind !== 'wait' || step.until === undefined) return;
      this.now = step.until;
      this.settle();
    }
  }

  get pending(): readonly Call[] {
    return pendingCalls(this.state);
  }
}
