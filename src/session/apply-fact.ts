/** What the workflow's own facts do to the state. */
import { type Draft, insert, overBecause, settle, update, write } from './draft.ts';
import type { Fact } from './facts.ts';
import { movedNotice, OUTPUT_LOST } from './notices.ts';
import type { ToolOutcome } from './outcome.ts';
import { judge } from './ownership.ts';
import { type Call, callOf, isHeld, pendingCalls } from './state.ts';

const FOREIGN = 500;

export function applyFact(draft: Draft, fact: Fact, now: number): void {
  switch (fact.type) {
    case 'listing':
      draft.listed = false;
      return;
    case 'listed':
      draft.listed = true;
      for (const call of pendingCalls(draft)) if (!call.listed) update(draft, call, { listed: true });
      return;
    case 'tools':
      draft.tools = fact.tools;
      for (const call of Object.values(draft.calls)) judge(draft, call, fact.tools);
      return;
    case 'started':
      change(draft, fact.id, call =>
        update(draft, call, {
          phase: { kind: 'running', since: now },
          startedAt: call.startedAt ?? now,
          starts: Math.max(call.starts, 1),
        }),
      );
      return;
    case 'reattached':
      change(draft, fact.id, ({ reattached, ...call }) => {
        const times = (reattached?.times ?? 0) + fact.times;
        update(draft, call, { reattached: { times, at: fact.at } });
      });
      return;
    case 'unstarted':
      change(draft, fact.id, call => {
        if (call.phase.kind !== 'running') return;
        const { startedAt, stopSent, ...rest } = call;
        let waiting = update(draft, rest, { phase: { kind: 'waiting' }, starts: 0 });
        if (draft.tools !== undefined) waiting = judge(draft, waiting, draft.tools);
        const over = overBecause(draft, waiting);
        if (call.answered)
          settle(draft, waiting, 'answered-elsewhere', 'it was answered before it started', now);
        else if (over !== undefined) settle(draft, waiting, 'void', over, now);
      });
      return;
    case 'finished':
      change(draft, fact.id, call => finish(draft, call, fact.outcome, now));
      return;
    case 'posting':
      for (const id of fact.ids) change(draft, id, call => post(draft, call, now));
      tell(draft, fact.ids);
      return;
    case 'output-lost':
      change(draft, fact.id, call => loseOutput(draft, call));
      return;
    case 'moved':
      draft.notice = movedNotice(fact.to);
      return;
    case 'delivered':
      change(draft, fact.id, call => {
        if (fact.how !== 'alone') {
          settle(draft, call, fact.how, fact.reason ?? '', now, fact.at ?? null);
        } else if (call.phase.kind === 'finished') {
          update(draft, call, { alone: true, phase: { ...call.phase, posting: false } });
        }
      });
      return;
    case 'stopping':
      for (const id of fact.ids) change(draft, id, call => update(draft, call, { stopSent: true }));
      return;
    case 'stop-requested':
      requestStop(draft, fact, now);
      return;
    case 'decided':
      change(draft, fact.id, call => {
        const { refusal, ...rest } = call;
        if (isHeld(call) && call.decision === undefined) update(draft, rest, { decision: fact.decision });
      });
      return;
    case 'confirming':
      change(draft, fact.id, call => update(draft, call, { confirming: true }));
      return;
    case 'unconfirmed':
      change(draft, fact.id, call => unconfirm(draft, call, fact, now));
      return;
    case 'woken':
      draft.windows++;
      return;
    case 'moved-on':
      if (draft.turn?.id === fact.idleId) draft.turn = { ...draft.turn, passed: true };
      return;
    case 'undelivered':
      redeliver(draft, fact.id, now);
      return;
    case 'rechecked':
      draft.foreign = [...draft.foreign, ...fact.foreign].slice(-FOREIGN);
      if (draft.turn?.id === fact.idleId) draft.turn = { ...draft.turn, rechecked: true };
      return;
    default:
      fact satisfies never;
  }
}

/** A settled call takes no more facts: its activity may still report what the server overtook. */
function change(draft: Draft, id: string, apply: (call: Call) => void): void {
  const call = callOf(draft, id);
  if (call !== undefined && call.phase.kind !== 'settled') apply(call);
}

function finish(draft: Draft, call: Call, outcome: ToolOutcome, now: number): void {
  const ended = update(draft, call, {
    phase: { kind: 'finished', outcome, posting: false },
    isError: outcome.kind === 'answered' || outcome.kind === 'stored' ? outcome.isError : true,
    startedAt: outcome.startedAt,
    finishedAt: outcome.finishedAt,
    starts: Math.max(outcome.starts, call.starts),
  });
  if (draft.ended !== undefined) settle(draft, ended, 'void', 'the session ended', now);
  else if (ended.answered)
    settle(draft, ended, 'answered-elsewhere', 'it was answered while its tool ran', now);
}

/** A stop that is asked for again may cut the grace short; it never extends it. */
function requestStop(draft: Draft, fact: Extract<Fact, { type: 'stop-requested' }>, now: number): void {
  const { type, ...asked } = fact;
  if (draft.stop === undefined || now + fact.graceMs < draft.stop.at + draft.stop.graceMs)
    draft.stop = { at: now, ...asked };
  // Calls that are another's by now are not for us to answer.
  else if (!fact.answers && draft.stop.answers) draft.stop = { ...draft.stop, answers: false };
}

/** The server's verdict may have come meanwhile, from whomever: then there is nothing left to decide. */
function unconfirm(
  draft: Draft,
  call: Call,
  fact: Extract<Fact, { type: 'unconfirmed' }>,
  now: number,
): void {
  if (!isHeld(call)) return;
  const { decision, confirming, ...rest } = call;
  if (fact.over) settle(draft, rest, 'void', fact.reason, now);
  else update(draft, rest, { refusal: fact.reason });
}

/** A call that an interrupt kept from starting is answered with what is true of it: it never ran (§2.8). */
function post(draft: Draft, call: Call, now: number): void {
  if (call.phase.kind === 'finished') {
    update(draft, call, { phase: { ...call.phase, posting: true } });
    return;
  }
  update(draft, call, {
    phase: { kind: 'finished', outcome: neverStarted(now), posting: true },
    isError: true,
  });
}

/** The first result that leaves from here carries what the agent must know; one from its host cannot. */
function tell(draft: Draft, ids: readonly string[]): void {
  const { notice } = draft;
  if (notice === undefined) return;
  const teller = ids
    .map(id => callOf(draft, id))
    .find(call => call?.phase.kind === 'finished' && call.phase.outcome.kind !== 'stored');
  if (teller === undefined) return;
  update(draft, teller, { notice });
  delete draft.notice;
}

/** It ran to its end, so it is answered, with the one thing that is known (§5). */
function loseOutput(draft: Draft, call: Call): void {
  if (call.phase.kind !== 'finished' || call.phase.outcome.kind !== 'stored') return;
  const { startedAt, finishedAt, starts } = call.phase.outcome;
  const outcome: ToolOutcome = { kind: 'answered', ...OUTPUT_LOST, startedAt, finishedAt, starts };
  update(draft, call, { isError: true, phase: { kind: 'finished', outcome, posting: false } });
}

function neverStarted(now: number): ToolOutcome {
  const evidence = { input: '', startedAt: now, endedAt: now, lastLines: [], survivors: [] };
  return { kind: 'stopped', evidence, startedAt: now, finishedAt: now, starts: 0 };
}

/** §2.7: the server's word corrects ours. The outcome is not computed again (I5): its host posts it anew. */
function redeliver(draft: Draft, id: string, now: number): void {
  const call = callOf(draft, id);
  if (call?.phase.kind !== 'settled' || call.phase.how !== 'posted') return;
  const { isError, startedAt = 0, finishedAt = 0, starts } = call;
  const outcome: ToolOutcome =
    starts === 0
      ? neverStarted(now)
      : { kind: 'stored', isError, bytes: 0, sha256: '', startedAt, finishedAt, starts };
  const { settledAt, ...rest } = call;
  insert(draft, write(draft, { ...rest, phase: { kind: 'finished', outcome, posting: false } }));
}
