import { describe, expect, it } from 'vitest';
import { stuckFrom, stuckOn, type Wait } from '../../src/session/stuck.ts';

const waits: readonly Wait[] = [
  { what: 'a host', since: 5_000 },
  { what: 'the API', since: 1_000 },
  { what: 'a tool that may run on', since: 60_000 },
];

describe('a session', () => {
  it('is stuck on what it has waited for longest, from the moment on that the limit names', () => {
    expect(stuckOn(waits, 10_999, 10_000)).toBeUndefined();
    expect(stuckOn(waits, 11_000, 10_000)).toEqual({ what: 'the API', since: 1_000 });
    expect(stuckFrom(waits, 10_000)).toBe(11_000);
  });

  it('is not stuck while it waits for nothing, or where no limit is set', () => {
    expect(stuckOn([], 1e12, 10_000)).toBeUndefined();
    expect(stuckFrom([], 10_000)).toBeUndefined();
    expect(stuckOn(waits, 1e12, 0)).toBeUndefined();
    expect(stuckFrom(waits, 0)).toBeUndefined();
  });

  it('is not stuck on a tool that is within its time', () => {
    expect(stuckOn(waits.slice(2), 60_000, 1_000)).toBeUndefined();
  });
});
