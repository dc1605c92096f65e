import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHART, chaosSection, keptRuns, withSection } from '../scripts/reliability.ts';
import { doubledChart } from '../scripts/reliability-chart.ts';
import { PHASES } from '../src/dev/chaos/snapshot.ts';

const doc = readFileSync(new URL('../docs/reliability.md', import.meta.url), 'utf8');
const runs = keptRuns();
const ours = [...runs.values()].filter(({ runner }) => runner === 'holdfast');

test('docs/reliability.md holds the table of the kept runs (mend: node scripts/reliability.ts)', () => {
  expect(doc).toBe(withSection(doc, chaosSection(runs)));
});

test('the chart of the README draws the kept runs (mend: node scripts/reliability.ts)', () => {
  expect(readFileSync(CHART, 'utf8')).toBe(doubledChart(runs.values()));
  expect(doubledChart(runs.values())).toMatch(
    /68 of 913 calls, 20 kills[\s\S]*>0 of 12,374 calls, 300 kills/,
  );
});

test('the kept runs of Holdfast doubled, lost and blocked nothing', () => {
  expect(ours.length).toBeGreaterThan(0);
  for (const { doubled, lost, stuck, wronglyUnknown, ok } of ours)
    expect({ doubled, lost, stuck, wronglyUnknown, ok }).toEqual({
      doubled: 0,
      lost: 0,
      stuck: 0,
      wronglyUnknown: 0,
      ok: true,
    });
});

test('they caught 10,000 calls in flight, 300 in each phase', () => {
  const sum = (value: (run: (typeof ours)[number]) => number) =>
    ours.reduce((all, run) => all + value(run), 0);
  // Different calls: one that several strikes have caught counts once.
  expect(sum(({ caught }) => caught.calls)).toBeGreaterThanOrEqual(10_000);
  for (const phase of PHASES)
    expect(
      sum(({ caught }) => caught.phases[phase]),
      phase,
    ).toBeGreaterThanOrEqual(300);
});

test('the control is among them, and it doubled', () => {
  const controls = [...runs.values()].filter(({ runner }) => runner === 'sdk');
  expect(controls.map(({ doubled }) => doubled > 0)).toContain(true);
});

test('a document without markers is refused', () => {
  expect(() => withSection('# no markers', '')).toThrow('has no <!-- chaos:begin -->');
});
