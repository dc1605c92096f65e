import { expect, it } from 'vitest';
import { backoff, jitter, jittered } from '../../src/intake/backoff.ts';
import { createIdleLog } from '../../src/intake/idle-log.ts';

it('row 121: backs off 1 s, 2 s, 4 s and so on, and never more than a minute', () => {
  expect([0, 1, 2, 3, 5, 6, 50].map(backoff)).toEqual([1_000, 2_000, 4_000, 8_000, 32_000, 60_000, 60_000]);
});

it('row 122: jitter stays within [low, high), and takes at most a quarter off a wait', () => {
  for (let i = 0; i < 2_000; i++) {
    const pause = jitter(1_000, 3_000);
    expect(pause >= 1_000 && pause < 3_000).toBe(true);
    const wait = jittered(8_000);
    expect(wait >= 6_000 && wait < 8_000).toBe(true);
  }
  expect(new Set(Array.from({ length: 20 }, () => jitter(0, 1))).size).toBeGreaterThan(1);
});

it('row 145: an idle queue is told of once, then every five minutes, and anew after each find', () => {
  const said: string[] = [];
  let now = 1_000_000;
  const idle = createIdleLog(
    line => said.push(line),
    'env_1',
    () => now,
  );
  const emptyFor = (seconds: number) => {
    for (let i = 0; i < seconds; i += 2) {
      idle.empty();
      now += 2_000;
    }
  };
  emptyFor(298);
  expect(said).toEqual(['no work in env_1; polling']);
  emptyFor(302);
  expect(said.slice(1)).toEqual(['still polling env_1; idle for 300 s']);
  emptyFor(2);
  expect(said.slice(2)).toEqual(['still polling env_1; idle for 600 s']);
  idle.found();
  emptyFor(10);
  expect(said.slice(3)).toEqual(['no work in env_1; polling']);
});
