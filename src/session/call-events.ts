/** What the API's events do to one call. */
import { decisionBy, decisionWords } from './decision.ts';
import { type Draft, haltForInterrupts, insert, overBecause, put, settle, update, write } from './draft.ts';
import type { ToolUseEvent } from './events.ts';
import type { Order } from './order.ts';
import { judge } from './ownership.ts';
import { type Call, callOf } from './state.ts';
import { summaryOf } from './summary.ts';

const EARLY = 1_000;

/** Adds a call, applying all that was seen before it (I1: a verdict or an answer may come first). */
export function addCall(draft: Draft, event: ToolUseEvent, order: Order, now: number): void {
  if (callOf(draft, event.id) !== undefined) return;
  const early = Object.hasOwn(draft.early, event.id) ? draft.early[event.id] : undefined;
  delete draft.early[event.id];
  let call: Call = {
    id: event.id,
    type: event.type,
    name: event.name,
    thread: event.session_thread_id ?? null,
    summary: summaryOf(event.name, event.input ?? event.input_ref?.hint),
    ...(event.input_ref === undefined ? { input: event.input } : { inputRef: event.input_ref }),
    order,
    processedAt: event.processed_at,
    firstSeenAt: now,
    permission: permissionOf(event),
    listed: draft.listed,
    locks: [],
    phase: { kind: 'waiting' },
    starts: 0,
    isError: false,
    ...(early?.verdict === undefined
      ? {}
      : { verdict: early.verdict, decided: { at: now, by: ANOTHER_CLIENT } }),
  };
  insert(draft, write(draft, call));
  if (draft.tools !== undefined) call = judge(draft, call, draft.tools);
  const over = overBecause(draft, call);
  if (over !== undefined) settle(draft, call, 'void', over, now);
  else haltForInterrupts(draft, call, now);
  if (early?.answered) settle(draft, callOf(draft, call.id) ?? call, 'answered-elsewhere', ANSWERED, now);
  gate(draft, callOf(draft, call.id) ?? call, now);
}

const ANOTHER_CLIENT = 'another client';
const ANSWERED = 'another client or the server answered it';

/** The server or another client answered; a tool that still runs for it is stopped (§6). */
export function applyAnswer(draft: Draft, id: string, now: number): void {
  const call = callOf(draft, id);
  if (call === undefined) {
    remember(draft, id, { answered: true });
    return;
  }
  const phase = call.phase;
  if (phase.kind === 'running') {
    update(draft, call, { answered: true, halt: call.halt ?? { by: 'answered', at: now } });
  } else if (phase.kind === 'finished' && phase.posting) {
    // Our own post may be what the server shows here: its activity tells.
    update(draft, call, { answered: true });
  } else {
    settle(draft, call, 'answered-elsewhere', ANSWERED, now);
  }
}

/** Only an explicit `allow` releases; a denial beats any allow until the call has started (I7). */
export function applyVerdict(draft: Draft, id: string, verdict: 'allow' | 'deny', now: number): void {
  const call = callOf(draft, id);
  if (call === undefined) {
    remember(draft, id, { verdict });
    return;
  }
  if (call.starts > 0 || call.phase.kind === 'finished') return;
  // The server's word is there: what was on its way to it is over, and tells at most who it was.
  const { decision, confirming, refusal, ...rest } = call;
  const stands = call.verdict === 'deny' ? 'deny' : verdict;
  const by = decision?.result === stands ? decisionBy(decision) : ANOTHER_CLIENT;
  const decided = call.verdict === stands ? {} : { decided: { at: now, by } };
  const judged = update(draft, rest, { verdict: stands, ...decided });
  gate(draft, judged, now, decision?.result === 'deny' ? decisionWords(decision) : undefined);
}

/** A denied call never runs; the server writes its result. */
function gate(draft: Draft, call: Call, now: number, denied = 'a person denied it'): void {
  if (call.permission === 'deny') settle(draft, call, 'denied', 'the server denied it', now);
  else if (call.verdict === 'deny') settle(draft, call, 'denied', denied, now);
}

function permissionOf(event: ToolUseEvent): Call['permission'] {
  const permission = event.evaluated_permission;
  if (permission === undefined || permission === 'allow') return 'free';
  return permission === 'deny' ? 'deny' : 'ask';
}

function remember(draft: Draft, id: string, seen: { verdict?: 'allow' | 'deny'; answered?: true }): void {
  const old = Object.hasOwn(draft.early, id) ? draft.early[id] : undefined;
  const verdict = old?.verdict === 'deny' ? 'deny' : (seen.verdict ?? old?.verdict);
  const answered = old?.answered ?? seen.answered;
  put(draft.early, id, {
    ...(verdict === undefined ? {} : { verdict }),
    ...(answered === undefined ? {} : { answered }),
  });
  const ids = Object.keys(draft.early);
  for (const oldest of ids.slice(0, Math.max(0, ids.length - EARLY))) delete draft.early[oldest];
}
