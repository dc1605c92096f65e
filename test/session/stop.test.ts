import { expect, test } from 'vitest';
import { replyOf } from '../../src/session/reply.ts';
import { given, NOW } from './given.ts';
import { call, custom, delivered, finished, posting, READY, started } from './wire.ts';

const STOP = { type: 'stop-requested', graceMs: 5_000, reason: 'deploy' } as const;
const ENDED = { kind: 'end', state: 'stopped', reason: 'deploy' } as const;

test('a stop by a person starts nothing new; unstarted calls stay pending', () => {
  given(...READY, call('c1'), STOP)
    .thenStep(ENDED)
    .thenCall('c1', { state: 'open' });
});

test('running calls get their grace, and their results are posted before the end', () => {
  given(...READY, call('c1'), ...started('c1'), STOP)
    .thenStep({ kind: 'wait', until: NOW + 5_000 })
    .after(4_000, finished('c1'))
    .thenStep({ kind: 'post', ids: ['c1'] })
    .after(0, posting('c1'))
    .thenStep({ kind: 'wait', until: NOW + 5_000 })
    .after(100, delivered('c1'))
    .thenStep(ENDED);
});

test('past the grace their tools are ended, and the agent is told so', () => {
  const stopped = given(...READY, call('c1'), ...started('c1'), STOP)
    .after(5_000)
    .thenStep({ kind: 'stop', ids: ['c1'], reason: 'deploy' })
    .after(0, { type: 'stopping', ids: ['c1'] })
    .thenStep({ kind: 'wait', until: NOW + 35_000 })
    .after(50, finished('c1', 'stopped'))
    .thenStep({ kind: 'post', ids: ['c1'] });
  const block = replyOf(stopped.call('c1'))?.content[0];
  expect(block).toMatchObject({
    text: expect.stringContaining('This bash call was stopped before it ended: the session was stopped.'),
  });
});

test('with no grace they are ended at once', () => {
  given(...READY, call('c1'), ...started('c1'), { ...STOP, graceMs: 0 }).thenStep({
    kind: 'stop',
    ids: ['c1'],
    reason: 'deploy',
  });
});

test('results that cannot be posted hold the end up for 30 s and no longer', () => {
  const posted = given(...READY, call('c1'), ...started('c1'), finished('c1'), STOP, posting('c1'));
  posted
    .after(5_000)
    .thenStep({ kind: 'wait', until: NOW + 35_000 })
    .after(30_000)
    .thenStep(ENDED);
});

test('a second stop may cut the grace short and never extends it', () => {
  given(...READY, call('c1'), ...started('c1'), STOP)
    .after(3_000, { ...STOP, reason: 'again' })
    .thenStep({ kind: 'wait', until: NOW + 5_000 })
    .after(0, { ...STOP, graceMs: 0, reason: 'now' })
    .thenStep({ kind: 'stop', ids: ['c1'], reason: 'now' });
});

test('the calls of other owners do not hold a stop up', () => {
  given(...READY, custom('c1', 'lookup'), STOP).thenStep(ENDED);
});

const WITH_WORK = { ...STOP, settleMs: 10_000, answers: true } as const;

test('with a work item what has not started is answered so, and what is held or not ours is left', () => {
  const held = { ...call('c2'), evaluated_permission: 'ask' };
  given(...READY, call('c1'), held, { ...call('c3'), name: 'unowned' }, WITH_WORK)
    .thenStep({ kind: 'post', ids: ['c1'] })
    .after(0, posting('c1'), delivered('c1'))
    .thenStep(ENDED)
    .thenCall('c2', { state: 'held' })
    .thenCall('c3', { state: 'unowned' });
});

test('such a stop waits for the history, for what may stand in it, but not beyond its own limit', () => {
  given(READY[0] ?? STOP, call('c1'), WITH_WORK)
    .thenStep({ kind: 'wait', until: NOW + 5_000 })
    .after(15_000)
    .thenStep(ENDED);
});

test('a lease that is lost meanwhile takes the answering back: the calls are another’s', () => {
  const lost = { type: 'stop-requested', graceMs: 60_000, reason: 'lost' } as const;
  given(...READY, WITH_WORK, lost, call('c1'))
    .thenStep(ENDED)
    .thenCall('c1', { state: 'open' });
});
