/**
 * Writes the table of kept chaos runs into docs/reliability.md, between its markers, and the README's chart, from
 * docs/reliability/*.json (each the line that `holdfast chaos --json` printed). `node scripts/reliability.ts`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ChaosReport } from '../src/dev/chaos/report.ts';
import { PHASES } from '../src/dev/chaos/snapshot.ts';
import { marksOf, withSection as withMarked } from './marked-section.ts';
import { doubledChart } from './reliability-chart.ts';

const DOC = new URL('../docs/reliability.md', import.meta.url);
const RUNS = new URL('../docs/reliability/', import.meta.url);
export const CHART = new URL('../docs/images/doubled.svg', import.meta.url);

/** The kept runs by file name, Holdfast's first. */
export function keptRuns(): ReadonlyMap<string, ChaosReport> {
  const names = readdirSync(RUNS)
    .filter(name => name.endsWith('.json'))
    .sort();
  const runs = names.map(name => [name, JSON.parse(readFileSync(new URL(name, RUNS), 'utf8'))] as const);
  return new Map(runs.sort(([, a], [, b]) => a.runner.localeCompare(b.runner)));
}

/** What stands between the markers. Pure. */
export function chaosSection(runs: ReadonlyMap<string, ChaosReport>): string {
  const ours = [...runs.values()].filter(({ runner }) => runner === 'holdfast');
  return [
    '| run | struck | calls | caught | times | ' +
      `${PHASES.join(' | ')} | doubled | lost | stuck | unknown | wrongly unknown | back after p50 / p95 / max |`,
    `|${' --- |'.repeat(11 + PHASES.length)}`,
    ...[...runs].map(([name, run]) => row(`[${title(run)}](reliability/${name})`, run)),
    ...(ours.length > 1 ? [totals(ours)] : []),
  ].join('\n');
}

/** @throws Error where the document has no markers. */
export function withSection(doc: string, section: string): string {
  const next = withMarked(doc, 'chaos', `\n\n${section}\n\n`);
  if (next === undefined) throw new Error(`docs/reliability.md has no ${marksOf('chaos').join(' … ')}`);
  return next;
}

function title({ runner, seed }: ChaosReport): string {
  return `${runner === 'sdk' ? 'the SDK’s runner, ' : ''}seed ${seed}`;
}

function row(name: string, run: ChaosReport): string {
  const { recoveryMs } = run;
  const struck = Object.entries(run.strikes).map(([victim, count]) => `${count} ${victim}`);
  const back =
    recoveryMs === null ? '–' : [recoveryMs.p50, recoveryMs.p95, recoveryMs.max].map(seconds).join(' / ');
  const cells = [name, struck.join(', '), ...counts(run).map(number), back];
  return `| ${cells.join(' | ')} |`;
}

function counts(run: ChaosReport): number[] {
  const { caught } = run;
  const unknown = Object.values(run.unknown).reduce((sum, count) => sum + count, 0);
  return [
    run.calls,
    caught.calls,
    caught.catches,
    ...PHASES.map(phase => caught.phases[phase]),
    run.doubled,
    run.lost,
    run.stuck,
    unknown,
    run.wronglyUnknown,
  ];
}

function totals(runs: readonly ChaosReport[]): string {
  const strikes = runs.flatMap(run => Object.values(run.strikes)).reduce((sum, count) => sum + count, 0);
  const sums = runs.map(counts).reduce((sum, list) => sum.map((value, i) => value + (list[i] ?? 0)));
  return `| **Holdfast, all** | ${strikes} | ${sums.map(number).join(' | ')} | |`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOC, withSection(readFileSync(DOC, 'utf8'), chaosSection(keptRuns())));
  writeFileSync(CHART, doubledChart(keptRuns().values()));
}
