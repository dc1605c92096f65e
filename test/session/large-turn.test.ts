/** A turn of 10,000 calls: the core stays small and quick enough, whatever the model asks for (times are printed). */
import { expect, test } from 'vitest';
import { allCalls, carried } from '../../src/session/records.ts';
import { Walk } from './walk.ts';
import { at, call, custom, LISTED, TOOLS } from './wire.ts';

const CALLS = 10_000;

test.each([
  ['that may run beside each other', (i: number) => custom(`c${i}`)],
  ['that all want the workspace', (i: number) => call(`c${i}`)],
])('10,000 calls %s run once each, and all are settled', { timeout: 120_000 }, (_, make) => {
  const walk = new Walk(8);
  const began = performance.now();
  for (let i = 0; i < CALLS; i += 200)
    walk.fold(...Array.from({ length: 200 }, (_, n) => at(1, make(i + n))));
  walk.fold(TOOLS, LISTED);
  // 13: every outcome is answered, and every result posted.
  while (walk.work(13));
  console.info(`${CALLS} calls in one turn: ${(performance.now() - began).toFixed(0)} ms`);
  expect(walk.launched.size).toBe(CALLS);
  expect(walk.pending).toEqual([]);
  expect(allCalls(walk.state).every(({ starts }) => starts === 1)).toBe(true);
  expect(JSON.stringify(carried(walk.state)).length).toBeLessThan(1_500_000);
});
