/** The README's chart: calls that took effect more than once under kills, by runner, from docs/reliability/*.json. */
import type { ChaosReport } from '../src/dev/chaos/report.ts';

const WIDTH = 760;
const LEFT = 210;
const RIGHT = 300;
const ROW = 44;
const TOP = 46;

const STYLE = `
  text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .note { fill: #57606a; font-size: 12px }
  .holdfast { fill: #1a7f37 } .sdk { fill: #cf222e } .axis { stroke: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .holdfast { fill: #3fb950 } .sdk { fill: #f85149 }
  }`;

/** An SVG of its own style for light and dark. Pure. */
export function doubledChart(runs: Iterable<ChaosReport>): string {
  const all = [...runs];
  const rows = (['sdk', 'holdfast'] as const).map(runner => {
    const own = all.filter(run => run.runner === runner);
    const doubled = sum(own, run => run.doubled);
    return { runner, doubled, calls: sum(own, run => run.calls), kills: sum(own, struck) };
  });
  const most = Math.max(...rows.map(rateOf)) || 1;
  const bars = rows.map((row, index) => {
    const y = TOP + index * ROW;
    const width = Math.round(((WIDTH - LEFT - RIGHT) * rateOf(row)) / most);
    const name = row.runner === 'sdk' ? 'the SDK’s runner' : 'Holdfast';
    return `  <text x="${LEFT - 12}" y="${y + 19}" text-anchor="end">${name}</text>
  <rect class="${row.runner}" x="${LEFT}" y="${y + 2}" width="${width}" height="24" rx="2"/>
  <text x="${LEFT + width + 10}" y="${y + 19}">${number(row.doubled)} of ${number(row.calls)} calls, ${row.kills} kills</text>`;
  });
  const height = TOP + rows.length * ROW + 34;
  const told = rows.map(row => `${row.runner}: ${row.doubled} of ${row.calls}`).join(', ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Calls that ran more than once. ${told}">
  <style>${STYLE}
  </style>
  <text class="title" x="16" y="24">Calls whose side effect happened more than once, under kills at random</text>
${bars.join('\n')}
  <line class="axis" x1="${LEFT}" x2="${LEFT}" y1="${TOP - 4}" y2="${TOP + rows.length * ROW - 8}"/>
  <text class="note" x="16" y="${height - 14}">Bars: share of calls. Kept runs of holdfast chaos (docs/reliability); the SDK’s runner has no tool hosts or Temporal to kill.</text>
</svg>
`;
}

interface Row {
  readonly doubled: number;
  readonly calls: number;
}

const rateOf = ({ doubled, calls }: Row): number => (calls === 0 ? 0 : doubled / calls);
const struck = ({ strikes }: ChaosReport): number =>
  Object.values(strikes).reduce((all, count) => all + count, 0);
const number = (value: number): string => value.toLocaleString('en-US');

function sum(runs: readonly ChaosReport[], of: (run: ChaosReport) => number): number {
  return runs.reduce((all, run) => all + of(run), 0);
}
