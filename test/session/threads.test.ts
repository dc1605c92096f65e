import { describe, test } from 'vitest';
import { given } from './given.ts';
import {
  answer,
  ask,
  call,
  custom,
  delivered,
  finished,
  posting,
  READY,
  running,
  started,
  terminated,
  threadEnded,
  waitsFor,
} from './wire.ts';

const WAIT = { kind: 'wait' } as const;

describe('threads that ended', () => {
  const inThread = { session_thread_id: 't1' };

  test('row 154: calls of a terminated thread are neither run nor held, whichever is seen first', () => {
    given(...READY, call('c1', 'bash', inThread), ask('c2', 'bash', inThread), threadEnded('t1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'void', why: 'void: its thread ended' })
      .thenCall('c2', { state: 'void' });
    given(...READY, threadEnded('t1'), call('c1', 'bash', inThread), call('c2', 'read'))
      .thenStep({ kind: 'run', ids: ['c2'] })
      .thenCall('c1', { state: 'void' });
  });

  test('row 155: a call that runs when its thread ends runs to its end, and its result is posted', () => {
    given(...READY, call('c1', 'bash', inThread), ...started('c1'), threadEnded('t1'))
      .thenStep(WAIT)
      .after(0, finished('c1'))
      .thenStep({ kind: 'post', ids: ['c1'] })
      .after(0, posting('c1'), delivered('c1', 'void', { reason: 'its thread ended' }))
      .thenCall('c1', { state: 'void', why: 'void: its thread ended' });
  });

  test('a call that ran and lost its session stays void, whatever answer comes for it', () => {
    given(
      ...READY,
      call('c1'),
      ...started('c1'),
      terminated(),
      finished('c1'),
      answer('c1', 'agent.tool_result'),
    ).thenCall('c1', { state: 'void', why: 'void: the session ended', starts: 1 });
  });

  test('row 154: a call that no host took before its thread ended does not start after it', () => {
    given(...READY, call('c1', 'bash', inThread), ...started('c1'), threadEnded('t1'), {
      type: 'unstarted',
      id: 'c1',
    })
      .thenStep(WAIT)
      .thenCall('c1', { state: 'void' });
  });
});

test('a call that no host took runs again, and counts as never started', () => {
  given(...READY, call('c1'), running(), waitsFor(['c1']), ...started('c1'), { type: 'unstarted', id: 'c1' })
    .thenStep({ kind: 'run', ids: ['c1'] })
    .thenCall('c1', { state: 'open', starts: 0 });
});

test('a call that no host took before it was answered, or before the session ended, is over', () => {
  const begun = given(...READY, call('c1'), ...started('c1'));
  begun.after(0, answer('c1'), { type: 'unstarted', id: 'c1' }).thenStep(WAIT).thenCall('c1', {
    why: 'answered-elsewhere: it was answered before it started',
  });
  begun.after(0, terminated(), { type: 'unstarted', id: 'c1' }).thenCall('c1', { state: 'void' });
});

test('the calls of 25 threads start at once where so many may, in their order where fewer may', () => {
  const calls = Array.from({ length: 25 }, (_, i) =>
    custom(`c${i}`, 'get_weather', { session_thread_id: `t${i}` }),
  );
  const ids = calls.map(({ id }) => id);
  const all = given(...READY, ...calls);
  all.thenStep({ kind: 'run', ids }, { maxParallel: 25 });
  all.thenStep({ kind: 'run', ids: ids.slice(0, 8) });
});
