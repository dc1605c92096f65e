import { describe, expect, test } from 'vitest';
import { replyOf } from '../../src/session/reply.ts';
import { given, NOW } from './given.ts';
import {
  answer,
  ask,
  at,
  call,
  custom,
  finished,
  interrupt,
  LISTED,
  LISTING,
  posting,
  queued,
  READY,
  started,
  TOOLS,
  threadRunning,
  verdict,
} from './wire.ts';

const WAIT = { kind: 'wait' } as const;
const UNTIL_GRACE = { kind: 'wait', until: NOW + 10_000 } as const;
const WHY = 'the user interrupted the session';

function stop(...ids: readonly string[]) {
  return { kind: 'stop', ids, reason: WHY } as const;
}

describe('what an interrupt reaches (§2.8)', () => {
  test('running calls before it are stopped at once, unstarted ones never start', () => {
    given(...READY, call('c1'), ...started('c1'), call('c2'), custom('c3'), interrupt())
      .thenStep(stop('c1'))
      .after(0, { type: 'stopping', ids: ['c1'] })
      .thenStep(UNTIL_GRACE)
      .thenCall('c1', { state: 'running', why: 'it is being stopped' })
      .thenCall('c2', { state: 'open', why: 'interrupted before it started' });
  });

  test('calls after it run', () => {
    given(...READY, interrupt(), call('c1')).thenStep({ kind: 'run', ids: ['c1'] });
  });

  test('I1: the order of the log decides, not that of arrival', () => {
    given(...READY, at(5, interrupt()), at(3, call('c1')), at(7, custom('c2')))
      .thenStep({ kind: 'run', ids: ['c2'] })
      .thenCall('c1', { why: 'interrupted before it started' });
  });

  test('an interrupt read from the history reaches the calls of the history', () => {
    given(TOOLS, LISTING, call('c1'), interrupt(), LISTED).thenStep(UNTIL_GRACE);
  });

  test('with a thread it reaches that thread only', () => {
    const inThread = (id: string, thread: string) => custom(id, 'get_weather', { session_thread_id: thread });
    given(...READY, inThread('c1', 't1'), inThread('c2', 't2'), custom('c3'), interrupt('t1')).thenStep({
      kind: 'run',
      ids: ['c2', 'c3'],
    });
  });

  test('with the name of the primary thread it reaches the calls that carry no thread, and no others', () => {
    const child = custom('c2', 'get_weather', { session_thread_id: 'child' });
    given(...READY, threadRunning('main'), threadRunning('child'), call('c1'), ...started('c1'), child)
      .after(0, interrupt('main'))
      .thenStep(stop('c1'))
      .thenCall('c2', { state: 'open' });
  });

  test('I1: the same when the name of the primary thread comes last, or after that of a child', () => {
    given(...READY, at(5, call('c1')), ...started('c1'), at(7, interrupt('main')))
      .after(0, at(2, threadRunning('child')))
      .thenStep({ kind: 'wait' })
      .after(0, at(1, threadRunning('main')))
      .thenStep(stop('c1'));
  });

  test('a held call that was interrupted does not start when it is allowed after all', () => {
    given(...READY, ask('c1'), interrupt(), verdict('c1', 'allow')).thenStep(UNTIL_GRACE);
  });

  test('a call answered by then is not touched', () => {
    given(...READY, call('c1'), answer('c1'), interrupt())
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled' });
  });
});

describe('an interrupt that is queued and then processed', () => {
  test('acts when it is first seen (I10), and on all calls before its stamp once it has one', () => {
    const seen = given(...READY, custom('c1'), queued(interrupt()), custom('c2'));
    seen
      .thenStep({ kind: 'run', ids: ['c2'] })
      .after(0, ...started('c2'), at(9, interrupt()), at(12, custom('c3')))
      .thenStep(stop('c2'))
      .after(0, { type: 'stopping', ids: ['c2'] })
      .thenStep({ kind: 'run', ids: ['c3'] });
  });

  test('I1: its queued form that comes last changes nothing', () => {
    given(...READY, at(5, interrupt()), at(7, call('c1')), queued(interrupt())).thenStep({
      kind: 'run',
      ids: ['c1'],
    });
  });
});

describe('who answers an interrupted call', () => {
  const stopped = () =>
    given(...READY, call('c1'), ...started('c1'), custom('c2'), interrupt()).after(
      300,
      { type: 'stopping', ids: ['c1'] },
      finished('c1', 'stopped'),
    );

  test('the server, for 10 s: a stopped outcome stays unposted until then', () => {
    stopped()
      .thenStep(UNTIL_GRACE)
      .after(9_699)
      .thenStep(UNTIL_GRACE)
      .after(0, answer('c1', 'agent.tool_result'), answer('c2', 'agent.tool_result'))
      .thenStep(WAIT)
      .after(60_000)
      .thenStep(WAIT);
  });

  test('then we: the stopped one with its evidence, the unstarted one as not started', () => {
    const overdue = stopped()
      .after(9_700)
      .thenStep({ kind: 'post', ids: ['c1', 'c2'] });
    const posted = overdue.after(0, posting('c1', 'c2')).thenStep(WAIT);
    expect(textOf(posted.call('c1'))).toContain(`This bash call was stopped before it ended: ${WHY}.`);
    expect(textOf(posted.call('c2'))).toBe(
      `This get_weather call was not started: ${WHY}. It had no effect.`,
    );
    posted.thenCall('c2', { starts: 0, isError: true, state: 'finished' });
  });

  test('a call that the interrupt found waiting for its approval is answered too, so that its turn can end', () => {
    given(...READY, ask('c1'), interrupt())
      .thenStep(UNTIL_GRACE)
      .after(10_000)
      .thenStep({ kind: 'post', ids: ['c1'] });
  });

  test('a call that had finished before the interrupt is posted as usual', () => {
    given(...READY, call('c1'), ...started('c1'), finished('c1'), interrupt()).thenStep({
      kind: 'post',
      ids: ['c1'],
    });
  });

  test('ages count from when we saw the interrupt, never from its stamp', () => {
    given(...READY, call('c1'), at(86_400, interrupt())).thenStep(UNTIL_GRACE);
  });
});

function textOf(call: Parameters<typeof replyOf>[0]): string {
  const block = replyOf(call)?.content[0];
  return block?.type === 'text' ? block.text : '';
}
