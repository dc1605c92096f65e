import { describe, expect, test } from 'vitest';
import { idleWindow } from '../../src/session/idle.ts';
import type { SessionState } from '../../src/session/state.ts';
import { given } from './given.ts';
import {
  answer,
  ask,
  at,
  call,
  custom,
  delivered,
  finished,
  idle,
  interrupt,
  LISTED,
  LISTING,
  posting,
  queued,
  READY,
  running,
  started,
  TOOLS,
  terminated,
  threadEnded,
  verdict,
  waitsFor,
} from './wire.ts';

function keyOf(state: SessionState): string | undefined {
  return idleWindow(state)?.key;
}

describe('what starts the countdown', () => {
  test.each(['end_turn', 'refusal', 'retries_exhausted', 'budget_reached', 'a_future_reason'])(
    'rows 21 to 26: an idle with %s starts it, seen live or in the history',
    reason => {
      given(...READY, idle(reason)).thenIdle('idle-1');
      given(TOOLS, LISTING, idle(reason)).thenIdle(undefined).after(0, LISTED).thenIdle('idle-1');
    },
  );

  test('row 27: requires_action does not start it', () => {
    given(...READY, waitsFor(['x'])).thenIdle(undefined);
  });

  test('row 28: without an idle it never starts', () => {
    given(...READY, running()).thenIdle(undefined);
    given(...READY).thenIdle(undefined);
  });

  test('row 29: a call, a status, an answer or an interrupt after the idle cancels it', () => {
    for (const event of [call('c1'), running(), answer('x'), interrupt(), queued(interrupt())])
      given(...READY, idle(), event).thenIdle(undefined);
  });

  test('row 29: it starts anew at the next idle', () => {
    given(...READY, idle(), running(), idle('end_turn', 'idle-2')).thenIdle('idle-2');
  });

  test('it tells from where the server is asked, and a new key for each full window', () => {
    const first = given(...READY, at(7, idle()));
    expect(idleWindow(first.state)).toMatchObject({ idleId: 'idle-1', since: '2026-01-01T00:00:07.000Z' });
    const woken = first.after(0, { type: 'woken' }).thenIdle('idle-1');
    expect(keyOf(woken.state)).not.toBe(keyOf(first.state));
  });

  test('I1: an older status that comes late neither starts nor cancels it', () => {
    given(...READY, at(9, idle()), at(3, running())).thenIdle('idle-1');
    given(...READY, at(9, running()), at(3, idle())).thenIdle(undefined);
  });

  test('an idle that readTail found passed ends nothing any more, the next one does', () => {
    given(...READY, idle(), { type: 'moved-on', idleId: 'idle-1' })
      .thenIdle(undefined)
      .after(0, idle('end_turn', 'idle-2'), { type: 'moved-on', idleId: 'idle-1' })
      .thenIdle('idle-2');
  });

  test('a stopped or ended session has no countdown', () => {
    given(...READY, idle(), { type: 'stop-requested', graceMs: 0, reason: 'deploy' }).thenIdle(undefined);
    given(...READY, idle(), terminated()).thenIdle(undefined);
  });
});

describe('calls that are not answered', () => {
  test('row 5: an unowned open call keeps the session alive', () => {
    given(TOOLS, custom('c1', 'lookup'), idle(), LISTED).thenIdle(undefined);
  });

  test.each(['live', 'history'])('rows 6, 7, 158: so does one that a person approved (%s)', how => {
    const events = [custom('c1', 'lookup', { evaluated_permission: 'ask' }), idle(), verdict('c1', 'allow')];
    if (how === 'live') given(...READY, ...events).thenIdle(undefined);
    else given(TOOLS, ...events, LISTED).thenIdle(undefined);
  });

  test('row 7: an approval of an unowned call that arrives while its idle is deferred starts nothing', () => {
    given(...READY, ask('c1', 'lookup'), idle(), verdict('c1', 'allow'))
      .thenIdle(undefined)
      .after(0, at(100, answer('c1')), at(101, idle('end_turn', 'idle-2')))
      .thenIdle('idle-2');
  });

  test('row 45: a held call keeps it from starting, seen in the history', () => {
    given(TOOLS, ask('c1'), idle(), LISTED).thenIdle(undefined);
  });

  test('row 47: so it does with an idle on the live stream', () => {
    given(...READY, ask('c1'), idle()).thenIdle(undefined);
  });

  test.each(['deny', 'escalate'])('rows 46, 48: the verdict %s after the idle resumes it', result => {
    given(...READY, ask('c1'), idle(), verdict('c1', result)).thenIdle('idle-1');
    given(TOOLS, ask('c1'), idle(), verdict('c1', result), LISTED).thenIdle('idle-1');
  });

  test('rows 49, 50: an allow resumes it only when the call has been answered, with a full window', () => {
    const held = given(...READY, idle('end_turn', 'idle-0'), ask('c1'), idle(), verdict('c1', 'allow'));
    held
      .thenIdle(undefined)
      .after(0, ...started('c1'))
      .thenIdle(undefined)
      .after(90_000, finished('c1'))
      .thenIdle(undefined)
      .after(0, posting('c1'))
      .thenIdle(undefined)
      .after(0, delivered('c1'))
      .thenIdle('idle-1');
  });

  test('row 51: a held call that a reconnect finds stops a countdown that ran before', () => {
    given(...READY, at(9, idle()))
      .thenIdle('idle-1')
      .after(0, LISTING, at(3, ask('c1')), LISTED)
      .thenIdle(undefined);
  });

  test('row 51: a hold that comes and goes while the countdown runs starts a full one', () => {
    const before = given(...READY, at(9, idle()));
    const after = before.after(0, at(3, ask('c1')), verdict('c1', 'deny')).thenIdle('idle-1');
    expect(keyOf(after.state)).not.toBe(keyOf(before.state));
  });

  test('row 53: a denial that only the history shows lets the session stop', () => {
    given(...READY, ask('c1'), idle(), LISTING, verdict('c1', 'deny'), LISTED).thenIdle('idle-1');
  });

  test('one of two holds does not resume it', () => {
    given(...READY, ask('c1'), ask('c2'), idle(), verdict('c1', 'deny'))
      .thenIdle(undefined)
      .after(0, verdict('c2', 'deny'))
      .thenIdle('idle-1');
  });
});

describe('what leaves the countdown as it is', () => {
  test('row 156: the end of a thread', () => {
    const before = given(...READY, idle());
    const ended = before.after(0, threadEnded('t1')).thenIdle('idle-1');
    expect(keyOf(ended.state)).toBe(keyOf(before.state));
  });

  test('row 156: the end of a thread that drops the last hold resumes a deferred one', () => {
    given(...READY, ask('c1', 'bash', { session_thread_id: 't1' }), idle(), threadEnded('t1')).thenIdle(
      'idle-1',
    );
  });

  test('a confirmation of a call that is not held: unknown, settled or denied', () => {
    const before = given(...READY, call('c1'), answer('c1'), ask('c2'), verdict('c2', 'deny'), idle());
    for (const stray of [
      verdict('x', 'allow'),
      verdict('c1', 'allow'),
      verdict('c1', 'deny'),
      verdict('c2', 'allow'),
    ]) {
      const after = before.after(0, stray).thenIdle('idle-1');
      expect(keyOf(after.state)).toBe(keyOf(before.state));
    }
  });

  test('what was committed with the idle, under its stamp, seen once more when its id is long forgotten', () => {
    const closed = at(3, answer('c1', 'agent.tool_result'));
    const many = Array.from({ length: 1_000 }, (_, n) => at(0, verdict('mcp', `${n}`)));
    given(...READY, at(1, call('c1')), closed, at(3, idle()), ...many, closed, at(3, running())).thenIdle(
      'idle-1',
    );
  });

  test('an event seen twice', () => {
    const turn = [at(1, call('c1')), at(2, answer('c1')), at(3, idle())];
    const once = given(...READY, ...turn);
    const twice = once.after(0, ...turn).thenIdle('idle-1');
    expect(keyOf(twice.state)).toBe(keyOf(once.state));
  });
});
