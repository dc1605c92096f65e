import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/evolve.ts';
import { compactHistory } from '../../src/session/history.ts';
import { idleWindow } from '../../src/session/idle.ts';
import { initialState, pendingCalls, type SessionState } from '../../src/session/state.ts';

const START = Date.parse('2026-03-01T12:00:00Z');

type Unstamped = SessionEvent extends infer E
  ? E extends SessionEvent
    ? Omit<E, 'id' | 'processed_at'>
    : never
  : never;

/** Gives events ids and stamps, `gapMs` apart. */
function stamped(events: readonly Unstamped[], gapMs = 20_000, from = 0): SessionEvent[] {
  return events.map((event, n) => ({
    ...event,
    id: 'call' in event ? String(event.call) : `e${from + n}`,
    processed_at: new Date(START + (from + n) * gapMs).toISOString(),
  })) as SessionEvent[];
}

const use = (call: string, more: object = {}) =>
  ({ type: 'agent.tool_use', call, name: 'bash', input: {}, ...more }) as Unstamped;
const answer = (tool_use_id: string) => ({ type: 'agent.tool_result', tool_use_id }) as Unstamped;
const verdict = (tool_use_id: string, result = 'allow') =>
  ({ type: 'user.tool_confirmation', tool_use_id, result }) as Unstamped;
const interrupt = { type: 'user.interrupt' } as Unstamped;
const running = { type: 'session.status_running' } as Unstamped;
const idle = (stop_reason = 'end_turn', event_ids: string[] = []) =>
  ({ type: 'session.status_idle', stop_reason, event_ids }) as Unstamped;

function idsKept(events: readonly Unstamped[], gapMs?: number): string[] {
  return compactHistory(stamped(events, gapMs)).map(event => event.id);
}

describe('a history is cut', () => {
  test('answered calls go with their answers and verdicts; open ones stay with theirs', () => {
    const events = [
      use('a'),
      verdict('a'),
      answer('a'),
      use('b'),
      verdict('b'),
      idle('requires_action', ['b']),
    ];
    expect(idsKept(events)).toEqual(['b', 'e4', 'e5']);
  });

  test('what answers or judges a call that is not listed stays: the call may still come (I1)', () => {
    expect(idsKept([answer('x'), verdict('y'), idle()])).toEqual(['e0', 'e1', 'e2']);
  });

  test('interrupts stay behind an open call and in the last minute, where a call may be committed late', () => {
    expect(idsKept([interrupt, use('a'), interrupt, running], 120_000)).toEqual(['a', 'e2', 'e3']);
    expect(idsKept([use('a'), answer('a'), interrupt, running], 20_000)).toEqual(['e2', 'e3']);
    expect(idsKept([use('a'), answer('a'), interrupt, running], 120_000)).toEqual(['e3']);
  });

  test('of the statuses the newest stays, and every end of a thread or of the session', () => {
    const ended = [
      { type: 'session.thread_status_terminated', session_thread_id: 't' },
      { type: 'session.status_terminated' },
    ] as Unstamped[];
    expect(idsKept([running, idle(), running, ...ended, idle()])).toEqual(['e3', 'e4', 'e5']);
  });

  test('an idle that an answered call follows is not made to look like the newest event', () => {
    const events = stamped([idle(), use('a'), answer('a')]);
    expect(stateOf(compactHistory(events)).loudest.stamp).toBe(stateOf(events).loudest.stamp);
  });

  test('what hides an idle stays however old it is, if only neutral events follow', () => {
    const events = stamped([idle(), interrupt, verdict('x'), verdict('y')], 120_000);
    expect(stateOf(compactHistory(events)).loudest.stamp).toBe(stateOf(events).loudest.stamp);
  });

  test('a call that is the newest event although it is answered keeps its answer', () => {
    const events = stamped([answer('a'), use('a')]);
    expect(compactHistory(events)).toEqual(events);
  });

  test('fifty thousand events of settled turns come down to the last status', () => {
    const turns = Array.from({ length: 10_000 }, (_, n) => [
      running,
      use(`c${n}`),
      idle('requires_action', [`c${n}`]),
      answer(`c${n}`),
      idle(),
    ]).flat();
    expect(idsKept(turns, 1_000)).toEqual(['e49999']);
    const pagewise = stamped(turns, 1_000).reduce<SessionEvent[]>((kept, event, n) => {
      kept.push(event);
      return n % 997 === 0 ? compactHistory(kept) : kept;
    }, []);
    expect(compactHistory(pagewise).map(event => event.id)).toEqual(['e49999']);
  });
});

function stateOf(events: readonly SessionEvent[]): SessionState {
  return fold(initialState('s'), [{ type: 'listing' }, ...events, { type: 'listed' }], START);
}

/** All that decides what is done next; what is over for good may differ. */
function bearing(state: SessionState) {
  return {
    pending: pendingCalls(state).map(({ id, thread, verdict: said, permission, halt, phase }) => ({
      id,
      thread,
      said,
      permission,
      halt: halt?.by,
      phase: phase.kind,
    })),
    turn: { id: state.turn?.id, stop: state.turn?.stopReason },
    idle: idleWindow(state)?.idleId,
    loudest: state.loudest.stamp,
    ended: state.ended,
    endedThreads: state.endedThreads,
  };
}

describe('the fold does not depend on the cut', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const thread = fc.constantFrom({}, {}, { session_thread_id: 't1' }, { session_thread_id: 't2' });
  const permission = fc.constantFrom({}, { evaluated_permission: 'ask' }, { evaluated_permission: 'deny' });
  const event: fc.Arbitrary<Unstamped> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(id, thread, permission).map(([call, t, p]) => use(call, { ...t, ...p })),
    },
    { weight: 3, arbitrary: id.map(answer) },
    {
      weight: 2,
      arbitrary: fc.tuple(id, fc.constantFrom('allow', 'deny')).map(([call, r]) => verdict(call, r)),
    },
    { weight: 1, arbitrary: thread.map(t => ({ ...interrupt, ...t })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(running, idle(), idle('refusal'), idle('requires_action', ['a'])),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('t1', 't2')
        .map(t => ({ type: 'session.thread_status_terminated', session_thread_id: t }) as Unstamped),
    },
  );

  /** Each call once: the API gives every event its own id. */
  const log = fc.array(event, { maxLength: 30 }).map(events => {
    const seen = new Set<string>();
    return events.filter(
      one => !('call' in one) || (!seen.has(String(one.call)) && seen.add(String(one.call))),
    );
  });

  test('for any history and whatever comes after it, in one cut or page by page', () => {
    fc.assert(
      fc.property(log, fc.nat({ max: 30 }), fc.nat({ max: 30 }), (events, first, second) => {
        const all = stamped(events);
        const [from, to] = [Math.min(first, second), Math.max(first, second)];
        const [listed, tail] = [all.slice(0, to), all.slice(to)];
        const pagewise = compactHistory([...compactHistory(listed.slice(0, from)), ...listed.slice(from)]);
        const whole = fold(stateOf(listed), tail, START);
        for (const cut of [compactHistory(listed), pagewise])
          expect(bearing(fold(stateOf(cut), tail, START))).toEqual(bearing(whole));
      }),
      { numRuns: 3_000 },
    );
  });
});
