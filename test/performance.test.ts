import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { costChart } from '../bench/report/chart.ts';
import { CHART, keptRecord, PAGE, withTables } from '../scripts/performance-tables.ts';

const page = readFileSync(PAGE, 'utf8');

test('docs/performance.md holds the tables of its record (mend: node scripts/performance-tables.ts)', () => {
  expect(page).toBe(withTables(page, keptRecord()));
});

test('its chart draws that record (mend: node scripts/performance-tables.ts)', () => {
  expect(readFileSync(CHART, 'utf8')).toBe(costChart(keptRecord()));
});

test('the record is of a quiet machine and of committed code, and all of it worked for Holdfast', () => {
  const { mode, machine, versions, workloads } = keptRecord();
  expect(mode).not.toBe('quick');
  expect(machine.loadBefore).toBeLessThan(machine.cpus);
  expect(versions.changed).toBe(false);
  const ours = workloads.flatMap(({ peers }) => peers.filter(({ peer }) => peer === 'holdfast'));
  expect(ours.map(({ failure }) => failure).filter(failure => failure !== null)).toEqual([]);
});
