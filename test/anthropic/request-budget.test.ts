import { APIError } from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BudgetExhausted } from '../../src/anthropic/budget-exhausted.ts';
import { classify } from '../../src/anthropic/failures.ts';
import { createRequestBudget, type Lane, type RequestBudget } from '../../src/anthropic/request-budget.ts';

let made: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  made = [];
});

afterEach(() => vi.useRealTimers());

/** 80 a minute: two at once, then one every 857 ms. */
const SMALL = { perMinute: { read: 80 } };

function ask(budget: RequestBudget, lane: Lane, name: string = lane, signal?: AbortSignal): Promise<void> {
  const asked = budget.spend(lane, async () => void made.push(name), signal);
  asked.catch(() => undefined);
  return asked;
}

/** Leaves nothing of the small budget. */
async function drain(budget: RequestBudget): Promise<void> {
  await Promise.all([ask(budget, 'listen'), ask(budget, 'listen')]);
  made = [];
}

function refusal(status: number, headers: Record<string, string> = {}): APIError {
  return APIError.generate(status, { type: 'error' }, 'no', new Headers(headers));
}

async function fails(budget: RequestBudget, lane: Lane, error: unknown): Promise<unknown> {
  return budget.spend(lane, () => Promise.reject(error)).catch(caught => caught);
}

describe('who goes first', () => {
  it('a post goes at once while a hundred reads wait', async () => {
    const budget = createRequestBudget(SMALL);
    await drain(budget);
    for (let n = 0; n < 100; n++) void ask(budget, 'listen');
    await ask(budget, 'post');
    expect(made).toEqual(['post']);
  });

  it('reads go in the order of who waits for them, and first come first served among equals', async () => {
    const budget = createRequestBudget(SMALL);
    await drain(budget);
    const asked = [
      ask(budget, 'tail'),
      ask(budget, 'listen', 'listen 1'),
      ask(budget, 'listen', 'listen 2'),
      ask(budget, 'attach'),
      ask(budget, 'call'),
    ];
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.allSettled(asked);
    expect(made).toEqual(['call', 'attach', 'listen 1', 'listen 2', 'tail'].slice(0, made.length));
    expect(made.length).toBeGreaterThanOrEqual(4);
  });

  it('an idle tail gets on even when listeners never stop waiting', async () => {
    const budget = createRequestBudget({ perMinute: { read: 1_200 } });
    for (let n = 0; n < 900; n++) void ask(budget, 'listen');
    let served = false;
    for (let tries = 0; !served && tries < 10; tries++) {
      const asked = ask(budget, 'tail').then(
        () => true,
        () => false,
      );
      await vi.advanceTimersByTimeAsync(2_100);
      served = await asked;
    }
    expect(served).toBe(true);
    expect(made.filter(name => name === 'listen').length).toBeLessThan(900);
  });
});

describe('how long a request waits', () => {
  it('is refused at once, with the time to come back, where its turn is too far away: no slot is held', async () => {
    const budget = createRequestBudget(SMALL);
    await drain(budget);
    for (let n = 0; n < 30; n++) void ask(budget, 'attach');
    const error = await ask(budget, 'start').catch(caught => caught);
    expect(error).toBeInstanceOf(BudgetExhausted);
    expect(error.retryAfterMs).toBeGreaterThan(20_000);
    expect(classify(error)).toEqual({
      kind: 'transient',
      reason: 'the request budget is spent (70 read requests a minute)',
      retryAfterMs: error.retryAfterMs,
      meant: true,
    });
  });

  it('ends in time where others came first meanwhile', async () => {
    const budget = createRequestBudget(SMALL);
    await drain(budget);
    const error = ask(budget, 'start').catch(caught => caught);
    for (let n = 0; n < 20; n++) void ask(budget, 'call');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await error).toBeInstanceOf(BudgetExhausted);
    expect(made).not.toContain('start');
  });

  it('ends when its activity is cancelled, and its place is taken by the next', async () => {
    const budget = createRequestBudget(SMALL);
    await drain(budget);
    const cancelled = new AbortController();
    const first = ask(budget, 'listen', 'first', cancelled.signal).catch(caught => caught);
    const second = ask(budget, 'listen', 'second');
    cancelled.abort(new Error('let go'));
    expect(await first).toEqual(new Error('let go'));
    await vi.advanceTimersByTimeAsync(900);
    await second;
    expect(made).toEqual(['second']);
  });
});

describe('a 429', () => {
  it('holds back what comes after it, of its kind only, and says so once', async () => {
    const log: string[] = [];
    const budget = createRequestBudget({ log: line => log.push(line) });
    const error = refusal(429, { 'retry-after': '3' });
    const thrown = await Promise.all([fails(budget, 'listen', error), fails(budget, 'listen', error)]);
    expect(thrown).toEqual([error, error]);
    expect(log).toEqual([
      expect.stringMatching(/^the API limits read requests \(429\): at most \d+ a minute for now$/),
    ]);
    const next = ask(budget, 'listen');
    await ask(budget, 'post');
    await vi.advanceTimersByTimeAsync(2_900);
    expect(made).toEqual(['post']);
    await vi.advanceTimersByTimeAsync(1_200);
    await next;
    expect(made).toEqual(['post', 'listen']);
  });

  it('makes a post wait for its retry-after somewhere else than in its slot', async () => {
    const budget = createRequestBudget();
    await fails(budget, 'post', refusal(429, { 'retry-after': '20' }));
    const error = await ask(budget, 'post').catch(caught => caught);
    expect(error).toBeInstanceOf(BudgetExhausted);
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(20_000);
  });

  it.each([408, 500, 503, 529])('is not %i: nothing is held back', async status => {
    const budget = createRequestBudget();
    await fails(budget, 'listen', refusal(status, { 'retry-after': '20' }));
    await ask(budget, 'listen');
    expect(made).toEqual(['listen']);
  });
});

it('tells what was made, what waited, what the API refused and what is left', async () => {
  const told: unknown[] = [];
  const budget = createRequestBudget({
    ...SMALL,
    observe: {
      made: (kind, left) => told.push(['made', kind, left]),
      waited: (kind, ms) => told.push(['waited', kind, ms]),
      limited: kind => told.push(['limited', kind]),
    },
  });
  await drain(budget);
  expect(told).toEqual([
    ['made', 'read', 0],
    ['made', 'read', 0],
  ]);
  const asked = ask(budget, 'listen');
  await vi.advanceTimersByTimeAsync(858);
  await asked;
  await fails(budget, 'post', refusal(429));
  expect(told.slice(2)).toEqual([
    ['waited', 'read', expect.closeTo(858, -1)],
    ['made', 'read', 0],
    ['made', 'post', Number.POSITIVE_INFINITY],
    ['limited', 'post'],
  ]);
});
