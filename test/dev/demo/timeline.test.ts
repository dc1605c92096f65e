import { expect, test } from 'vitest';
import { renderTimeline, type Timeline } from '../../../src/dev/demo/timeline.ts';

const plain = (_: string, text: string) => text;

/** 4.3 s on 43 cells: a cell is 100 ms. */
const timeline: Timeline = {
  up: [
    { from: 0, to: 1_000 },
    { from: 2_000, to: undefined },
  ],
  killedAt: 1_000,
  endedAt: 4_300,
  calls: [
    { label: 'quick', emittedAt: 0, runs: [{ from: 10, to: 20 }], postedAt: 30, effects: 1 },
    { label: 'long', emittedAt: 500, runs: [{ from: 700, to: 1_500 }], postedAt: 2_499, effects: 1 },
    {
      label: 'twice',
      emittedAt: 600,
      runs: [
        { from: 600, to: 1_000 },
        { from: 2_000, to: 3_000 },
      ],
      postedAt: 3_000,
      effects: 2,
    },
    {
      label: 'a label that is far too long for it',
      emittedAt: 4_000,
      runs: [],
      postedAt: undefined,
      effects: 0,
    },
  ],
};

test('waiting, running and posting are bars to scale; the kill is marked in what it caught', () => {
  const row = (label: string, cells: string, tail: string) =>
    `${label.padEnd(26)}${cells.padEnd(43)} ${tail}`;
  expect(renderTimeline(timeline, plain).slice(1, 6)).toEqual([
    `${'worker'.padEnd(26)}${'─'.repeat(10)}✕${'·'.repeat(9)}${'─'.repeat(23)}`,
    row('quick', '█', '30 ms'),
    row('long', `${' '.repeat(5)}··███✕█████${'░'.repeat(9)}`, '2.0 s'),
    row('twice', `${' '.repeat(6)}████✕${'·'.repeat(9)}${'█'.repeat(11)}`, '2.4 s ×2'),
    row('a label that is far too …', `${' '.repeat(40)}···`, 'no result'),
  ]);
});

test('no line is wider than 80 columns, however long the session took', () => {
  for (const endedAt of [1, 999, 4_300, 26_000, 119_000, 3_600_000]) {
    const lines = renderTimeline({ ...timeline, endedAt }, plain);
    expect(lines.filter(line => line.length > 80)).toEqual([]);
  }
});

test('a session without a call is an empty timeline', () => {
  const lines = renderTimeline({ calls: [], up: [], killedAt: undefined, endedAt: 1_000 }, plain);
  expect(lines[1]).toContain('worker');
});
