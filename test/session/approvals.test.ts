import { describe, expect, test } from 'vitest';
import { given } from './given.ts';
import {
  answer,
  ask,
  call,
  custom,
  delivered,
  finished,
  LISTED,
  LISTING,
  posting,
  queued,
  READY,
  started,
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
