import { describe, expect, it } from 'vitest';
import { callTimes } from '../../src/session/call-times.ts';
import type { Decision } from '../../src/session/decision.ts';
import { carried } from '../../src/session/records.ts';
import type { Call } from '../../src/session/state.ts';
import { type Given, given, NOW } from './given.ts';
import {
  answer,
  ask,
  call,
  delivered,
  finished,
  interrupt,
  posting,
  READY,
  started,
  verdict,
} from './wire.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();
const timesOf = (state: Given) => callTimes(state.call('c1'));
const decided = (decision: Decision) => ({ type: 'decided', id: 'c1', decision }) as const;

describe('a call tells', () => {
  it('when it was seen, held, decided and settled, and by whom', () => {
    const over = given(...READY, ask('c1'))
      .after(5, decided({ result: 'allow', by: 'alice' }))
      .after(5, verdict('c1', 'allow'))
      .after(10, ...started('c1'))
      .after(10, finished('c1'), posting('c1'))
      .after(10, delivered('c1'));
    expect(timesOf(over)).toEqual({
      seenAt: at(0),
      heldAt: at(0),
      decidedAt: at(10),
      decidedBy: 'alice',
      settledAt: at(40),
    });
    expect(callTimes(carried(over.state).calls.c1 as Call)).toEqual(timesOf(over));
  });

  it.each([
    ['another client', []],
    ['a person', [decided({ result: 'deny' })]],
    ['the deadline', [decided({ result: 'deny', overdue: true })]],
    ['another client', [decided({ result: 'allow', by: 'alice' })]],
  ] as const)('that %s denied it, whose verdict the server has', (by, before) => {
    const denied = given(...READY, ask('c1'), ...before).after(7, verdict('c1', 'deny'));
    expect(timesOf(denied)).toMatchObject({ decidedBy: by, decidedAt: at(7), settledAt: at(7) });
  });

  it('who released it also where the same verdict comes once more', () => {
    const twice = given(...READY, ask('c1'), decided({ result: 'allow', by: 'alice' }))
      .after(1, verdict('c1', 'allow'))
      .after(9, { ...verdict('c1', 'allow'), id: 'again' });
    expect(timesOf(twice)).toMatchObject({ decidedBy: 'alice', decidedAt: at(1) });
  });

  it('a verdict that was there before it', () => {
    const early = given(...READY, verdict('c1', 'allow'), ask('c1'));
    expect(timesOf(early)).toMatchObject({ heldAt: at(0), decidedAt: at(0), decidedBy: 'another client' });
  });

  it('of its interrupt and its report, while it is open and after it was settled', () => {
    const stopped = given(...READY, call('c1'), ...started('c1'))
      .after(3, interrupt())
      .after(1, finished('c1', 'stopped'));
    expect(timesOf(stopped)).toMatchObject({ interruptedAt: at(3), unfinished: 'stopped' });
    const settled = stopped.after(4, answer('c1', 'agent.tool_result'));
    expect(timesOf(settled)).toMatchObject({
      interruptedAt: at(3),
      unfinished: 'stopped',
      settledAt: at(8),
    });
    const unknown = given(...READY, call('c1'), ...started('c1'), finished('c1', 'unknown'), posting('c1'));
    expect(timesOf(unknown.after(1, delivered('c1')))).toMatchObject({ unfinished: 'unknown' });
  });

  it('how often it was attached again, and when last', () => {
    const again = (ms: number) => ({ type: 'reattached', id: 'c1', times: 2, at: NOW + ms }) as const;
    const running = given(...READY, call('c1'), ...started('c1'), again(5), again(9));
    expect(timesOf(running).reattached).toEqual({ times: 4, at: at(9) });
  });

  it('nothing that an older run has not kept', () => {
    const { settledAt, ...old } = given(...READY, call('c1'), answer('c1')).call('c1');
    expect(settledAt).toBe(NOW);
    expect(callTimes(old)).toEqual({ seenAt: at(0) });
  });
});

it('a call that is posted anew is not settled any more', () => {
  const posted = given(...READY, call('c1'), ...started('c1'), finished('c1'), delivered('c1'));
  expect(timesOf(posted).settledAt).toBe(at(0));
  expect(timesOf(posted.after(1, { type: 'undelivered', id: 'c1' })).settledAt).toBeUndefined();
});
