/** The README's chart: Holdfast's key values as shares of the straightforward program's, from one run. Pure. */
import type { BenchRecord, PeerRecord, WorkloadRecord } from '../record.ts';
import { number } from './table.ts';

const WIDTH = 760;
const LEFT = 270;
const RIGHT = 190;
const ROW = 34;
const TOP = 62;
/** Where the bar ends that is as long as the yardstick. */
const UNIT = (WIDTH - LEFT - RIGHT) / 1.25;

const STYLE = `
  text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .note { fill: #57606a; font-size: 12px }
  .good { fill: #1a7f37 } .bad { fill: #cf222e } .axis { stroke: #8c959f; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .good { fill: #3fb950 } .bad { fill: #f85149 }
  }`;

interface Row {
  readonly title: string;
  /** Cost relative to the yardstick: below 1 is better whichever way the value counts. */
  readonly cost: number;
  readonly text: string;
}

/** An SVG of its own style for light and dark. Only workloads that both have done are in it. */
export function costChart(record: BenchRecord): string {
  const rows = record.workloads.flatMap(workload => rowOf(workload) ?? []);
  const bars = rows.map(({ title, cost, text }, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(2, Math.round(UNIT * Math.min(cost, 1.25)));
    return `  <text x="${LEFT - 12}" y="${y + 15}" text-anchor="end">${escaped(title)}</text>
  <rect class="${cost <= 1 ? 'good' : 'bad'}" x="${LEFT}" y="${y}" width="${width}" height="20" rx="2"/>
  <text x="${LEFT + width + 8}" y="${y + 15}">${escaped(text)}</text>`;
  });
  const height = TOP + rows.length * ROW + 30;
  const end = LEFT + UNIT;
  const told = rows.map(({ title, text }) => `${title}: ${text}`).join(', ');
  const { server, machine } = record;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(told)}">
  <style>${STYLE}
  </style>
  <text class="title" x="16" y="24">Holdfast against a straightforward Temporal program, side by side in one run</text>
  <text class="note" x="${end}" y="${TOP - 12}" text-anchor="middle">as long</text>
${bars.join('\n')}
  <line class="axis" x1="${end}" x2="${end}" y1="${TOP - 8}" y2="${TOP + rows.length * ROW - 8}"/>
  <text class="note" x="16" y="${height - 12}">Shorter is better. ${escaped(`Temporal ${server.version}, ${machine.cpus} cores, everything on one machine`)}.</text>
</svg>
`;
}

function rowOf({ title, key, peers }: WorkloadRecord): Row | undefined {
  const find = (name: PeerRecord['peer']) => peers.find(({ peer }) => peer === name);
  const ratio = find('holdfast')?.ratio?.median;
  const ours = find('holdfast')?.summary.key?.median;
  const theirs = find('straightforward')?.summary.key?.median;
  if (ratio === undefined || ours === undefined || theirs === undefined) return undefined;
  const unit = key.unit.startsWith('/') ? key.unit : ` ${key.unit}`;
  return {
    title: title.split(/, | →|: /)[0] ?? title,
    cost: key.better === 'lower' ? ratio : 1 / ratio,
    text: `${number(ours)}${unit} against ${number(theirs)}${unit}`,
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
