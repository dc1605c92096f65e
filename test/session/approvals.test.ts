import { describe, expect, test } from 'vitest';
import { nextDeadline, undecidedCalls, whyNotHeld } from '../../src/session/approvals.ts';
import type { Decision } from '../../src/session/decision.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Fact } from '../../src/session/facts.ts';
import { carried } from '../../src/session/records.ts';
import { given, NOW } from './given.ts';
import {
  answer,
  ask,
  call,
  custom,
  delivered,
  finished,
  interrupt,
  LISTED,
  LISTING,
  posting,
  queued,
  READY,
  started,
  terminated,
  verdict,
} from './wire.ts';

const RUN_C1 = { kind: 'run', ids: ['c1'] } as const;
const WAIT = { kind: 'wait' } as const;

describe('rows 41 to 44: only what the server or a person allowed runs', () => {
  test('row 41: a call that a person denies never runs and gets no answer of ours', () => {
    given(...READY, ask('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'held', why: 'waits for an approval' })
      .after(0, verdict('c1', 'deny'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'denied: a person denied it' });
  });

  test('row 42: a call that the server denied is over without any confirmation', () => {
    given(...READY, call('c1', 'bash', { evaluated_permission: 'deny' }))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'denied: the server denied it' });
  });

  test.each([
    ['no permission', call('c1')],
    ['allow', call('c1', 'bash', { evaluated_permission: 'allow' })],
  ])('row 43: %s runs unasked', (_, event) => {
    given(...READY, event).thenStep(RUN_C1);
  });

  test.each(['ask', 'ask_strict', '', null])(
    'rows 43, 58: permission %o is held, and an allow releases it (I7)',
    p => {
      given(...READY, call('c1', 'bash', { evaluated_permission: p }))
        .thenStep(WAIT)
        .thenCall('c1', { state: 'held' })
        .after(0, verdict('c1', 'allow'))
        .thenStep(RUN_C1);
    },
  );

  test('row 43: a custom call with a permission is gated as well', () => {
    given(...READY, custom('c1', 'get_weather', { evaluated_permission: 'ask' })).thenStep(WAIT);
  });

  test('row 44: an allow in the history releases its call when the history has been read', () => {
    given(READY[0] ?? LISTED, LISTING, ask('c1'), verdict('c1', 'allow'))
      .thenStep(WAIT)
      .after(0, LISTED)
      .thenStep(RUN_C1);
  });
});

test('row 52: an allow that only the history shows releases a held call that the history no longer lists, once', () => {
  given(...READY, ask('c1'), LISTING, verdict('c1', 'allow'), LISTED)
    .thenStep(RUN_C1)
    .after(0, ...started('c1'), verdict('c1', 'allow'))
    .thenStep(WAIT);
});

test('row 54: a held call listed again with its allow runs once, also when its post is refused', () => {
  const again = ask('c1', 'bash', { processed_at: '2026-01-01T00:00:02Z' });
  given(...READY, again, LISTING, again, verdict('c1', 'allow'), LISTED, ...started('c1'), finished('c1'))
    .after(0, posting('c1'), delivered('c1', 'refused', { reason: 'the API refused it' }), again)
    .thenStep(WAIT)
    .thenCall('c1', { state: 'settled', starts: 1, why: 'refused: the API refused it' });
});

test('row 55: a hold blocks no later call, not even one it conflicts with', () => {
  given(...READY, ask('c1'), call('c2')).thenStep({ kind: 'run', ids: ['c2'] });
});

test('row 56: a confirmation of an unknown call does nothing until that call comes', () => {
  const stray = given(...READY, verdict('c1', 'allow')).thenStep(WAIT);
  expect(stray.state.calls).toEqual({});
  stray.after(0, ask('c1')).thenStep(RUN_C1);
});

test.each(['deny', 'escalate', 'ALLOW', '', 'undefined'])('row 57: the verdict %o denies (I7)', result => {
  given(...READY, ask('c1'), verdict('c1', result))
    .thenStep(WAIT)
    .thenCall('c1', {
      state: 'settled',
      verdict: 'deny',
    });
});

test('row 59: a denial of the server beats an allow, in either order', () => {
  const denied = call('c1', 'bash', { evaluated_permission: 'deny' });
  given(...READY, verdict('c1', 'allow'), denied)
    .thenStep(WAIT)
    .thenCall('c1', { why: 'denied: the server denied it' });
  given(...READY, denied, verdict('c1', 'allow'))
    .thenStep(WAIT)
    .thenCall('c1', { why: 'denied: the server denied it' });
});

test('row 60: a denial stops a call that needed no confirmation, in either order', () => {
  given(...READY, verdict('c1', 'deny'), call('c1'))
    .thenStep(WAIT)
    .thenCall('c1', { state: 'settled' });
  given(...READY, call('c1'), verdict('c1', 'deny'))
    .thenStep(WAIT)
    .thenCall('c1', { state: 'settled' });
});

test('a denial beats an allow, whichever comes first', () => {
  given(...READY, ask('c1'), verdict('c1', 'allow'), verdict('c1', 'deny')).thenStep(WAIT);
  given(...READY, verdict('c1', 'deny'), verdict('c1', 'allow'), ask('c1')).thenStep(WAIT);
});

test('a denial that comes after the call has started changes nothing, neither then nor when it is settled', () => {
  const begun = given(...READY, ask('c1'), verdict('c1', 'allow'), ...started('c1'), verdict('c1', 'deny'));
  begun
    .thenCall('c1', { state: 'running', verdict: 'allow' })
    .after(0, finished('c1'), posting('c1'), delivered('c1'), verdict('c1', 'escalate'))
    .thenCall('c1', { why: 'posted', verdict: 'allow' });
});

test('a denied call stays denied when the answer that the server writes for it comes, in either order', () => {
  const result = answer('c1', 'agent.tool_result');
  given(...READY, ask('c1'), verdict('c1', 'deny'), result).thenCall('c1', {
    why: 'denied: a person denied it',
  });
  given(...READY, ask('c1'), result, verdict('c1', 'deny')).thenCall('c1', {
    why: 'denied: a person denied it',
  });
});

test('a verdict counts once, whether seen queued, processed or both', () => {
  const allow = verdict('c1', 'allow');
  given(...READY, ask('c1'), queued(allow)).thenStep(RUN_C1);
  given(...READY, ask('c1'), queued(allow), ...started('c1'), allow)
    .thenStep(WAIT)
    .thenCall('c1', { starts: 1 });
});

describe('a decision that comes through us', () => {
  const ALLOW: Decision = { result: 'allow', by: 'alice' };
  const DENY: Decision = { result: 'deny', by: 'alice', message: 'too risky' };
  const decided = (id: string, decision: Decision): Fact => ({ type: 'decided', id, decision });
  const confirming = (id: string): Fact => ({ type: 'confirming', id });
  const unconfirmed = (id: string, over: boolean): Fact => ({
    type: 'unconfirmed',
    id,
    over,
    reason: '400 no',
  });

  test('is told to the API first, and counts when the server has it', () => {
    given(...READY, ask('c1'), decided('c1', ALLOW))
      .thenStep({ kind: 'confirm', id: 'c1', decision: ALLOW })
      .thenCall('c1', { state: 'held', why: 'alice allowed it; the API is being told' })
      .after(0, confirming('c1'))
      .thenStep(WAIT)
      .after(0, verdict('c1', 'allow'))
      .thenStep(RUN_C1);
  });

  test('tells who denied a call, and why', () => {
    given(...READY, ask('c1'), decided('c1', DENY), confirming('c1'), verdict('c1', 'deny'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'denied: alice denied it: too risky' });
  });

  test('is overtaken by whatever verdict the server has of it', () => {
    given(...READY, ask('c1'), decided('c1', ALLOW), confirming('c1'), verdict('c1', 'deny'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'denied: a person denied it' })
      .after(0, unconfirmed('c1', false))
      .thenCall('c1', { why: 'denied: a person denied it' });
    given(...READY, ask('c1'), decided('c1', DENY), verdict('c1', 'allow')).thenStep(RUN_C1);
  });

  test('is answered elsewhere where the server closed the call meanwhile', () => {
    given(...READY, ask('c1'), decided('c1', ALLOW), confirming('c1'), answer('c1', 'agent.tool_result'))
      .thenStep(WAIT)
      .thenCall('c1', {
        state: 'settled',
        why: 'answered-elsewhere: another client or the server answered it',
      });
  });

  test('goes out before results, and blocks neither them nor other calls', () => {
    given(...READY, ask('c1'), call('c2'), ...started('c2'), finished('c2'), decided('c1', ALLOW))
      .thenStep({ kind: 'confirm', id: 'c1', decision: ALLOW })
      .after(0, confirming('c1'))
      .thenStep({ kind: 'post', ids: ['c2'] });
  });

  test('that the API refuses leaves the call held as before, and another one may follow', () => {
    given(...READY, ask('c1'), decided('c1', ALLOW), confirming('c1'), unconfirmed('c1', false))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'held', why: 'waits for an approval: the last one was not taken (400 no)' })
      .after(0, decided('c1', DENY))
      .thenStep({ kind: 'confirm', id: 'c1', decision: DENY });
  });

  test('for which nothing is taken any more voids the call', () => {
    given(...READY, ask('c1'), decided('c1', ALLOW), confirming('c1'), unconfirmed('c1', true))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'void', why: 'void: 400 no' });
  });

  test('is told again by the next run where the last one was still telling it', () => {
    const { state } = given(...READY, ask('c1'), decided('c1', ALLOW), confirming('c1'));
    given().continue(carried(state)).thenStep({ kind: 'confirm', id: 'c1', decision: ALLOW });
  });

  test('is told before a stop by a person ends the run', () => {
    const STOP = { type: 'stop-requested', graceMs: 0, reason: 'deploy' } as const;
    given(...READY, ask('c1'), decided('c1', ALLOW), STOP)
      .thenStep({ kind: 'confirm', id: 'c1', decision: ALLOW })
      .after(0, confirming('c1'))
      .thenStep({ kind: 'wait', until: NOW + 30_000 })
      .after(0, verdict('c1', 'allow'))
      .thenStep({ kind: 'end', state: 'stopped', reason: 'deploy' });
  });

  test.each<[string, string, readonly (SessionEvent | Fact)[]]>([
    ['no call of this session', 'c1 is no call of this session', []],
    ['a call that needs none', 'c1 needs no approval: it is open', [call('c1')]],
    [
      'one that was allowed',
      'is not held any more: it was allowed and is open',
      [ask('c1'), verdict('c1', 'allow')],
    ],
    [
      'one that was denied',
      'is not held any more: denied: a person denied it',
      [ask('c1'), verdict('c1', 'deny')],
    ],
    ['one that was interrupted', 'is not held any more: it was interrupted', [ask('c1'), interrupt()]],
    [
      'one that was decided about',
      'is answered already: alice denied it: too risky',
      [ask('c1'), decided('c1', DENY)],
    ],
    ['one whose session ended', 'is not held any more: void: the session ended', [ask('c1'), terminated()]],
  ])('is refused, in clear words, for %s', (_, words, items) => {
    const { state } = given(...READY, ...items);
    expect(whyNotHeld(state, 'c1')).toContain(words);
    expect(undecidedCalls(state)).toEqual([]);
  });

  test('is taken for a held call, also for one of another client: the server asks whoever sees it', () => {
    const { state } = given(...READY, ask('c1'), ask('c2', 'lookup'));
    expect(['c1', 'c2'].map(id => whyNotHeld(state, id))).toEqual([undefined, undefined]);
    expect(undecidedCalls(state).map(({ id }) => id)).toEqual(['c1', 'c2']);
  });
});

describe('with a deadline for approvals', () => {
  const LIMIT = { approvalDeadlineMs: 60_000 };

  test('a held call is denied when it is over, counted from when it was first seen', () => {
    const held = given(...READY, ask('c1', 'bash', { processed_at: '2020-01-01T00:00:00Z' }));
    held.thenStep(WAIT, LIMIT);
    expect(nextDeadline(held.state, 60_000)).toBe(NOW + 60_000);
    held
      .after(59_999)
      .thenStep(WAIT, LIMIT)
      .after(1)
      .thenStep({ kind: 'deny', ids: ['c1'] }, LIMIT);
    // Without one it never is.
    expect(nextDeadline(held.state, 0)).toBeUndefined();
    held.after(1e12).thenStep(WAIT);
  });

  test('neither a call that somebody decided about nor one that was interrupted is denied for it', () => {
    const decision: Decision = { result: 'allow' };
    given(...READY, ask('c1'), { type: 'decided', id: 'c1', decision }, { type: 'confirming', id: 'c1' })
      .after(1e9)
      .thenStep(WAIT, LIMIT);
    given(...READY, ask('c1'), interrupt())
      .after(9_000)
      .thenStep({ kind: 'wait', until: NOW + 10_000 }, LIMIT);
  });

  test('a denial that the API refused is not made again and again', () => {
    const decision: Decision = { result: 'deny', overdue: true };
    const refused: Fact = { type: 'unconfirmed', id: 'c1', over: false, reason: '400 no' };
    given(...READY, ask('c1'), { type: 'decided', id: 'c1', decision }, refused)
      .after(1e9)
      .thenStep(WAIT, LIMIT)
      .thenCall('c1', { state: 'held' });
  });
});
