import { describe, expect, it } from 'vitest';
import { type PendingWork, troublesOf } from '../../src/client/pending-work.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

function work(more: Partial<PendingWork>): PendingWork {
  return {
    type: 'postResults',
    id: '7',
    what: 'posting results',
    attempt: 1,
    state: 'running',
    since: at(-1),
    next: null,
    failure: null,
    failureType: null,
    givenUpAfterMs: null,
    ...more,
  };
}

describe('what Temporal has under way', () => {
  it('is no trouble while its first attempt runs, or has just been asked for', () => {
    expect(troublesOf([work({}), work({ state: 'waiting' })], NOW)).toEqual([]);
  });

  it('is no trouble where it lasts and runs again, after a worker was lost', () => {
    const listening = { type: 'listen', attempt: 2, failure: 'its worker was not heard of in time' };
    expect(troublesOf([work(listening)], NOW)).toEqual([]);
    expect(troublesOf([work({ ...listening, state: 'backing-off', next: at(1) })], NOW)).toHaveLength(1);
  });

  it('is told with its attempt, its last failure and its next try when it is tried again', () => {
    const again = { attempt: 7, failure: 'the API answers 503' };
    expect(troublesOf([work({ ...again, state: 'backing-off', next: at(8) })], NOW)).toEqual([
      'posting results: attempt 7, next try in 8.0 s; last failure: the API answers 503',
    ]);
    expect(troublesOf([work(again)], NOW)).toEqual([
      'posting results: attempt 7; last failure: the API answers 503',
    ]);
  });

  it('is told when nobody takes it; a tool’s call by its id', () => {
    const untaken = work({
      type: 'runTool',
      what: 'running a tool',
      id: 'sevt_1',
      state: 'waiting',
      since: at(-90),
    });
    expect(troublesOf([untaken], NOW)).toEqual([
      'running a tool (sevt_1): nobody has taken it for 1 min 30 s',
    ]);
  });
});
