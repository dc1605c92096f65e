/** Who answered what, as the console has seen it. */
import { describe, expect, it } from 'vitest';
import { answeredCalls } from '../../src/console/answered.ts';
import { heldMemory } from '../../src/console/held-memory.ts';
import { kept } from '../../src/console/kept.ts';
import type { CallDetail } from '../../src/workflows/messages.ts';
import { detail, time } from '../timeline/call.ts';
import { held } from './pages.ts';

const none = { calls: [], unanswered: [] };

async function seenGone(details: readonly CallDetail[] | undefined, unanswered: readonly string[] = []) {
  const answered = answeredCalls(async () => details);
  await answered.look({ calls: [held()], unanswered: [] });
  await answered.look({
    calls: [],
    unanswered: unanswered.map(session => ({ session, reason: 'no worker' })),
  });
  return answered.all;
}

describe('a call that is not held any more', () => {
  const verdict = { decidedAt: time(5), decidedBy: 'alice' };

  it('is told with who answered and when, also where that was done elsewhere', async () => {
    expect(await seenGone([detail({ state: 'running', confirmation: 'allow', ...verdict })])).toEqual([
      {
        session: 'sesn_1',
        call: 'sevt_1',
        summary: 'bash: rm -rf build',
        verdict: 'allowed',
        by: 'alice',
        at: time(5),
      },
    ]);
    expect(
      await seenGone([detail({ state: 'settled', confirmation: 'deny', decidedAt: time(5) })]),
    ).toMatchObject([{ verdict: 'denied', by: 'another client' }]);
    expect(
      await seenGone([detail({ state: 'void', why: 'void: the session ended', settledAt: time(9) })]),
    ).toMatchObject([{ verdict: 'over', by: 'void: the session ended', at: time(9) }]);
  });

  it('is not told before the API has the verdict, or while nobody can be asked', async () => {
    expect(await seenGone([detail({ state: 'held', confirmation: null })])).toEqual([]);
    expect(await seenGone(undefined)).toEqual([]);
    expect(await seenGone([detail({ confirmation: 'allow' })], ['sesn_1'])).toEqual([]);
  });

  it('is asked about once', async () => {
    let asked = 0;
    const answered = answeredCalls(async () => {
      asked++;
      return [detail({ state: 'running', confirmation: 'allow', ...verdict })];
    });
    await answered.look({ calls: [held()], unanswered: [] });
    for (let look = 0; look < 3; look++) await answered.look(none);
    expect([asked, answered.all.length]).toEqual([1, 1]);
  });
});

describe('a session that cannot be asked for a moment', () => {
  const silent = { calls: [], unanswered: [{ session: 'sesn_1', reason: 'no answer in time' }] };

  it('shows what it held before, and nothing once it has answered otherwise', () => {
    const remember = heldMemory();
    const other = held({ session: 'sesn_2' });
    expect(remember(silent).calls).toEqual([]);
    expect(remember({ calls: [held(), other], unanswered: [] }).calls).toEqual([held(), other]);
    for (let again = 0; again < 2; again++)
      expect(remember(silent)).toEqual({ calls: [held()], unanswered: silent.unanswered });
    expect(remember({ calls: [], unanswered: [] }).calls).toEqual([]);
    expect(remember(silent).calls).toEqual([]);
  });
});

describe('a reading', () => {
  it('is one for all who look at the same time, and is kept for a while', async () => {
    let reads = 0;
    const read = kept(async key => `${key}${++reads}`, 60_000);
    expect(await Promise.all([read('a'), read('a'), read('b')])).toEqual(['a1', 'a1', 'b2']);
    expect(await read('a')).toBe('a1');
    read.forget('a');
    expect(await read('a')).toBe('a3');
  });

  it('that failed is made again', async () => {
    let reads = 0;
    const read = kept(async () => {
      if (++reads === 1) throw new Error('away');
      return reads;
    }, 60_000);
    await expect(read('')).rejects.toThrow('away');
    expect(await read('')).toBe(2);
  });
});
