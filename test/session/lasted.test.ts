import { expect, it } from 'vitest';
import { lasted } from '../../src/session/lasted.ts';

it.each([
  [-5, '0 ms'],
  [350, '350 ms'],
  [1_234, '1.2 s'],
  [59_949, '59.9 s'],
  [59_960, '1 min'],
  [185_000, '3 min 5 s'],
  [3_599_600, '1 h'],
  [7_440_000, '2 h 4 min'],
  [86_390_000, '1 d'],
  [273_600_000, '3 d 4 h'],
])('%d ms are told as %s', (ms, text) => {
  expect(lasted(ms)).toBe(text);
});
