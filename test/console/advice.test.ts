/** What stands in a session's way, and what is to be done: each with what it is told from. */
import { describe, expect, it } from 'vitest';
import type { PendingWork } from '../../src/client/pending-work.ts';
import { adviceOf } from '../../src/console/advice.ts';
import type { SessionReading } from '../../src/console/source.ts';
import { detail, START, time } from '../timeline/call.ts';
import { reading } from './pages.ts';

const HOUR = 3_600_000;

function advised(more: Partial<SessionReading>, now = START + HOUR) {
  return adviceOf(reading(more), { now, thisHost: 'here' });
}

function work(more: Partial<PendingWork>): PendingWork {
  const none = { next: null, failure: null, failureType: null, givenUpAfterMs: null };
  return {
    type: 'runTool',
    id: 'sevt_1',
    what: 'running a tool',
    attempt: 1,
    state: 'waiting',
    since: time(0),
    ...none,
    ...more,
  };
}

describe('advice', () => {
  it('is none for a session that goes its way', () => {
    const running = detail({ state: 'running', startedAt: time(HOUR - 1_000) });
    const listening = work({ type: 'listen', state: 'running', attempt: 1 });
    expect(advised({ calls: [running], pending: [listening, work({ state: 'running' })] })).toEqual([]);
  });

  it('names the host that takes no work, how long it is waited for, and that nothing starts twice', () => {
    const [first] = advised({ host: 'there', pending: [work({ givenUpAfterMs: 300_000 })] });
    expect(first).toMatchObject({ level: 'bad', command: 'holdfast worker' });
    expect(first?.what).toMatch(/^Nobody on host there takes this session’s work \(for 1 h\)/);
    expect(first?.what).toContain('After 5 min without it, another machine takes over');
    expect(first?.todo).toContain('none starts twice');
    const [own] = advised({ host: 'here', pending: [work({})] });
    expect(own?.what).toContain('Nobody on this machine');
    expect(own?.what).toContain('without a limit');
  });

  it('says what the API answered, that the result is kept, and which setting to look at', () => {
    const posting = {
      type: 'postResults',
      what: 'posting results',
      attempt: 9,
      state: 'backing-off',
      next: time(HOUR + 8_000),
    } as const;
    const [first] = advised({
      pending: [
        work({ ...posting, failure: 'the API answered 503: overloaded', failureType: 'ApiUnavailable' }),
      ],
    });
    expect(first?.what).toContain(
      'the API answered 503: overloaded (posting results, attempt 9; tried again in 8.0 s)',
    );
    expect(first?.todo).toContain('no tool runs again for it');
    const cures = [
      ['the API answered 401: invalid x-api-key', 'ANTHROPIC_API_KEY'],
      ['the API answered 429: slow down', 'HOLDFAST_POSTS_PER_MINUTE'],
      ['connect ECONNREFUSED', 'ANTHROPIC_BASE_URL'],
    ] as const;
    for (const [failure, cure] of cures)
      expect(advised({ pending: [work({ ...posting, failure })] })[0]?.todo).toContain(cure);
    expect(
      advised({ pending: [work({ ...posting, failureType: 'HandedOver', failure: 'handed over' })] }),
    ).toEqual([]);
  });

  it('raises no alarm for a listener that has begun anew and is at work', () => {
    const anew = work({
      type: 'listen',
      state: 'running',
      attempt: 2,
      failure: 'the stream broke',
      failureType: 'StreamLost',
    });
    expect(advised({ pending: [anew] })).toEqual([]);
    expect(advised({ pending: [{ ...anew, state: 'backing-off' }] })).toHaveLength(1);
    // Its worker was lost, which says nothing of the API.
    expect(advised({ pending: [{ ...anew, state: 'waiting', failureType: 'Timeout' }] })).toEqual([]);
  });

  it('sends to the approvals, and says when one looks forgotten', () => {
    const asked = detail({ state: 'held', why: 'waits for an approval', seenAt: time(0), heldAt: time(0) });
    const [fresh] = advised({ calls: [asked] }, START + 60_000);
    expect(fresh).toMatchObject({ level: 'warn', link: { to: 'approvals' } });
    const [old] = advised({ calls: [asked] });
    expect(old).toMatchObject({ level: 'bad' });
    expect(old?.what).toContain('It looks forgotten');
    expect(advised({ calls: [{ ...asked, confirmation: 'allow' }] })).toEqual([]);
  });

  it('tells of a tool that does not end, and how to end it', () => {
    const [first] = advised({ calls: [detail({ state: 'running', startedAt: time(0) })] });
    expect(first?.what).toContain('“bash: npm test” has been running for 1 h');
    expect(first?.command).toBe('holdfast stop sesn_1 --now');
    expect(first?.link).toMatchObject({ to: 'call', call: 'sevt_1' });
  });

  it('tells of an end that nobody knows', () => {
    const lost = detail({ state: 'settled', unfinished: 'unknown', isError: true, why: 'posted' });
    const [first] = advised({ calls: [lost] });
    expect(first?.what).toContain('Nobody knows how “bash: npm test” ended');
    expect(first?.what).toContain('not run again');
  });

  it('says why a run failed, and how it goes on', () => {
    const [first] = advised({
      execution: 'FAILED',
      endedAt: time(0),
      outcome: { state: 'failed', reason: 'the API answered 401' },
    });
    expect(first).toMatchObject({ level: 'bad', command: 'holdfast start sesn_1' });
    expect(first?.what).toBe('The run failed: the API answered 401.');
  });

  it('has the worst first', () => {
    const levels = advised({
      unanswered: 'no answer in time',
      calls: [
        detail({ id: 'a', state: 'unowned' }),
        detail({ id: 'b', state: 'running', startedAt: time(0) }),
      ],
    }).map(({ level }) => level);
    expect(levels).toEqual(['bad', 'warn', 'note']);
  });
});
