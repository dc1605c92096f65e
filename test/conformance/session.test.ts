/** Rows of the catalogue that the core alone decides, and that no test of its own subject names. */
import { describe, expect, test } from 'vitest';
import { undecidedCalls } from '../../src/session/approvals.ts';
import { given, NOW } from '../session/given.ts';
import {
  answer,
  ask,
  call,
  delivered,
  finished,
  idle,
  interrupt,
  LISTED,
  LISTING,
  posting,
  READY,
  running,
  started,
  TOOLS,
  terminated,
  threadEnded,
  verdict,
} from '../session/wire.ts';

const WAIT = { kind: 'wait' } as const;

test('row 17: no window is over while a result is being posted: the end of the session is what ends it', () => {
  const sending = given(...READY, call('c1'), ...started('c1'), finished('c1'), posting('c1'));
  sending.after(1e12).thenStep(WAIT).thenCall('c1', { state: 'finished', why: 'its result is being posted' });
  sending.after(0, terminated()).thenStep({ kind: 'end', state: 'done', reason: 'terminated' });
});

describe('row 152: the gate', () => {
  test.each(['allow', 'deny', 'escalate'])('row 152: opens for no call by a stray %s', result => {
    given(...READY, verdict('elsewhere', result), ask('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'held' });
  });

  test('row 152: an allowed call that still runs defers the idle end', () => {
    const allowed = given(...READY, ask('c1'), idle(), verdict('c1', 'allow'), ...started('c1'));
    allowed.thenIdle(undefined).after(0, finished('c1'), posting('c1'), delivered('c1')).thenIdle('idle-1');
  });

  test('row 152: what disarms wins over an idle that is being looked at', () => {
    given(...READY, idle())
      .thenIdle('idle-1')
      .after(0, running(), { type: 'moved-on', idleId: 'idle-1' })
      .thenIdle(undefined)
      .after(0, idle('end_turn', 'idle-2'))
      .thenIdle('idle-2');
  });
});

test('row 156: while a history is unread the end of a thread starts no countdown over what it may show', () => {
  given(TOOLS, LISTING, idle(), threadEnded('child')).thenIdle(undefined).after(0, LISTED).thenIdle('idle-1');
});

describe('W-3: a call that an interrupt has closed', () => {
  const closed = [call('c1'), interrupt(), answer('c1', 'agent.tool_result'), idle()];

  test('W-3: is over, and its session idle, however often the history is read again', () => {
    given(TOOLS, LISTING, ...closed, LISTED)
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', starts: 0 })
      .thenIdle('idle-1')
      .after(0, LISTING, ...closed, LISTED)
      .thenStep(WAIT)
      .thenIdle('idle-1');
  });

  test('W-3: is over also where its tool was running', () => {
    given(...READY, call('c1'), ...started('c1'), interrupt())
      .thenStep({ kind: 'stop', ids: ['c1'], reason: 'the user interrupted the session' })
      .after(0, { type: 'stopping', ids: ['c1'] }, answer('c1', 'agent.tool_result'), idle())
      .after(10, finished('c1', 'stopped'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', starts: 1 })
      .thenIdle('idle-1');
  });
});

test('W-24: a permission of null is held, but neither in secret nor for ever: a person sees it, a deadline ends it', () => {
  const held = given(...READY, call('c1', 'bash', { evaluated_permission: null }));
  expect(undecidedCalls(held.state).map(({ id }) => id)).toEqual(['c1']);
  held.after(0, verdict('c1', 'allow')).thenStep({ kind: 'run', ids: ['c1'] });
  const limit = { approvalDeadlineMs: 1_000 };
  held
    .thenStep(WAIT, limit)
    .after(1_000)
    .thenStep({ kind: 'deny', ids: ['c1'] }, limit);
  expect(held.call('c1').firstSeenAt).toBe(NOW);
});
