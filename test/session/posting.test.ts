import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/session/facts.ts';
import { replyOf } from '../../src/session/reply.ts';
import { given } from './given.ts';
import {
  at,
  call,
  custom,
  delivered,
  finished,
  idle,
  LISTING,
  posting,
  READY,
  stamp,
  started,
  waitsFor,
} from './wire.ts';

const WAIT = { kind: 'wait' } as const;

function done(...ids: readonly string[]) {
  return [...ids.map(id => custom(id)), ...started(...ids), ...ids.map(id => finished(id))];
}

describe('posts', () => {
  test('all that is ready goes in one request, before anything new starts', () => {
    given(...READY, ...done('c1', 'c2'), call('c3')).thenStep({ kind: 'post', ids: ['c1', 'c2'] });
  });

  test('a request carries at most 50 results, the rest follows', () => {
    const ids = Array.from({ length: 70 }, (_, index) => `c${index}`);
    const first = ids.slice(0, 50);
    given(...READY, ...done(...ids))
      .thenStep({ kind: 'post', ids: first })
      .after(0, posting(...first))
      .thenStep({ kind: 'post', ids: ids.slice(50) });
  });

  test('a result that failed beside others goes alone, first', () => {
    given(...READY, ...done('c1', 'c2', 'c3'), posting('c1', 'c2', 'c3'))
      .after(0, delivered('c1'), delivered('c2', 'alone'), delivered('c3', 'alone'))
      .thenStep({ kind: 'post', ids: ['c2'] })
      .after(0, posting('c2'))
      .thenStep({ kind: 'post', ids: ['c3'] });
  });

  test('a stored result is posted from its host, one at a time', () => {
    given(
      ...READY,
      custom('c1'),
      custom('c2'),
      ...started('c1', 'c2'),
      finished('c1', 'stored'),
      finished('c2'),
    )
      .thenStep({ kind: 'post-stored', id: 'c1' })
      .after(0, posting('c1'))
      .thenStep({ kind: 'post', ids: ['c2'] });
  });

  test('I5: a refused result is not posted again and its tool never runs again', () => {
    given(...READY, ...done('c1'), posting('c1'), delivered('c1', 'refused', { reason: '400: no' }))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'refused: 400: no', starts: 1 });
  });

  test('an unknown outcome is posted as an error', () => {
    const unknown = given(...READY, call('c1'), ...started('c1'), finished('c1', 'unknown')).thenStep({
      kind: 'post',
      ids: ['c1'],
    });
    expect(replyOf(unknown.call('c1'))).toMatchObject({ isError: true });
    unknown.thenCall('c1', { isError: true });
  });

  test('only a finished call with its result in the state has a reply', () => {
    const stored = given(...READY, call('c1'), custom('c2'), ...started('c1'), finished('c1', 'stored'));
    expect(replyOf(stored.call('c1'))).toBeUndefined();
    expect(replyOf(stored.call('c2'))).toBeUndefined();
  });
});

describe('requires_action is held against our state (§2.7)', () => {
  const recheck = { kind: 'recheck', idleId: 'idle-wait', unknown: [], believedPosted: [] } as const;
  const postedAt = (second: number) => [
    ...done('c1'),
    posting('c1'),
    delivered('c1', 'posted', { at: stamp(second) }),
  ];

  test('an id that we do not know asks for the list, once', () => {
    const asked = given(...READY, waitsFor(['x1'])).thenStep({ ...recheck, unknown: ['x1'] });
    asked.after(0, { type: 'rechecked', idleId: 'idle-wait', foreign: [] }).thenStep(WAIT);
  });

  test('an id that is no call of ours is not asked about again by a later status', () => {
    const foreign: Fact = { type: 'rechecked', idleId: 'idle-wait', foreign: ['mcp1'] };
    given(...READY, waitsFor(['mcp1']), foreign, waitsFor(['mcp1'], 'idle-2')).thenStep(WAIT);
    given(...READY, waitsFor(['mcp1']), foreign, waitsFor(['mcp1', 'x2'], 'idle-2')).thenStep({
      ...recheck,
      idleId: 'idle-2',
      unknown: ['x2'],
    });
  });

  test('nothing is asked while the history is still being read, nor for another status than the newest', () => {
    given(...READY, LISTING, waitsFor(['x1'])).thenStep(WAIT);
    given(...READY, waitsFor(['x1']), idle()).thenStep(WAIT);
  });

  test('a call that we believe posted is asked about when the status is younger than our result', () => {
    given(...READY, ...postedAt(20), at(30, waitsFor(['c1']))).thenStep({
      ...recheck,
      believedPosted: ['c1'],
    });
  });

  test('a status that is older than our result, or as old, says nothing about it', () => {
    given(...READY, ...postedAt(20), at(20, waitsFor(['c1']))).thenStep(WAIT);
    given(...READY, ...postedAt(20), at(19, waitsFor(['c1']))).thenStep(WAIT);
  });

  test('calls that still run, wait or are held are expected there', () => {
    given(...READY, call('c1'), ...started('c1'), waitsFor(['c1'])).thenStep(WAIT);
  });

  test('I5: a result that the server does not have is posted again from its host, without a run', () => {
    const again = given(...READY, ...postedAt(20), at(30, waitsFor(['c1'])), {
      type: 'undelivered',
      id: 'c1',
    });
    again
      .thenStep({ kind: 'post-stored', id: 'c1' })
      .thenIdle(undefined)
      .thenCall('c1', { state: 'finished', starts: 1 })
      .after(0, posting('c1'), delivered('c1', 'posted', { at: stamp(40) }))
      .thenCall('c1', { why: 'posted' });
  });

  test('one that never started is told so again: no host has anything of it', () => {
    const interrupted = given(...READY, custom('c1'), {
      type: 'user.interrupt',
      id: 'i1',
      processed_at: stamp(90),
    }).after(10_000, posting('c1'), delivered('c1', 'posted', { at: stamp(95) }), {
      type: 'undelivered',
      id: 'c1',
    });
    interrupted.thenStep({ kind: 'post', ids: ['c1'] });
    expect(replyOf(interrupted.call('c1'))?.content[0]).toMatchObject({
      text: expect.stringContaining('was not started'),
    });
  });

  test('a call that somebody else answered, or that is unknown, is not posted again', () => {
    given(...READY, call('c1'), { type: 'undelivered', id: 'c1' }, { type: 'undelivered', id: 'x' }).thenStep(
      {
        kind: 'run',
        ids: ['c1'],
      },
    );
  });
});
