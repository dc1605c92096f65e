import { expect, test } from 'vitest';
import { isBefore, stampOf } from '../../src/session/order.ts';

test.each([
  ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000001Z'],
  ['2026-01-01T00:00:00.1Z', '2026-01-01T00:00:00.11Z'],
  ['2026-01-01T00:00:00.999999Z', '2026-01-01T00:00:01Z'],
  ['2026-01-01T00:00:00.123456788Z', '2026-01-01T00:00:00.123456789Z'],
  ['2026-01-01T01:00:00+02:00', '2026-01-01T00:00:00Z'],
  ['1999-12-31T23:59:59Z', '2026-01-01T00:00:00Z'],
])('%s is before %s, though written with another precision or offset', (earlier, later) => {
  const [a, b] = [stampOf(earlier) ?? '', stampOf(later) ?? ''];
  expect(a < b).toBe(true);
  expect(isBefore({ stamp: a, seq: 9 }, { stamp: b, seq: 1 })).toBe(true);
  expect(isBefore({ stamp: b, seq: 1 }, { stamp: a, seq: 9 })).toBe(false);
});

test.each(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '2026-01-01T02:00:00.000000+02:00'])(
  '%s is one and the same time',
  text => {
    expect(stampOf(text)).toBe(stampOf('2026-01-01T00:00:00.000000000Z'));
  },
);

test('events of one stamp stand in the order in which they came', () => {
  expect(isBefore({ stamp: 'x', seq: 1 }, { stamp: 'x', seq: 2 })).toBe(true);
  expect(isBefore({ stamp: 'x', seq: 2 }, { stamp: 'x', seq: 2 })).toBe(false);
});

test('a queued event, and what is not a time, has no stamp', () => {
  expect(stampOf(null)).toBeUndefined();
  expect(stampOf('soon')).toBeUndefined();
});
