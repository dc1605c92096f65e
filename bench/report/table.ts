/** A run as Markdown, for a terminal and for documents alike. Pure. */
import type { PeerName } from '../peers/peer.ts';
import type { BenchRecord, PeerRecord, WorkloadRecord } from '../record.ts';
import { ENOUGH } from '../statistics/interval.ts';

/** As people read them. */
export const PEER_NAMES: Readonly<Record<PeerName, string>> = {
  holdfast: 'Holdfast',
  straightforward: 'straightforward',
  sdk: 'SDK (TypeScript)',
  python: 'SDK (Python)',
};

const COLUMNS = [
  'workload',
  'peer',
  'p50 ms',
  'p90',
  'p99',
  'max',
  'calls/s',
  'CPU ms a call: worker',
  'tool host',
  'server',
  'events a call',
  'history kB a call',
  'Actions a call',
  'requests a call',
  'worker RSS / PSS MB',
  'tool host PSS MB',
  'key ratio',
];

const MB = 1_048_576;

export function reportOf(record: BenchRecord): string {
  return [
    about(record),
    table(COLUMNS, record.workloads.flatMap(rowsOf)),
    figuresTable(record),
    `${notes(record)
      .map(line => `- ${line}`)
      .join('\n')}\n`,
  ]
    .filter(part => part !== '')
    .join('\n\n');
}

function about({ at, seconds, mode, repetitions, machine, versions, server }: BenchRecord): string {
  const { holdfast, commit, changed, node, temporalSdk, anthropicSdk } = versions;
  const state = commit === null ? '' : ` (${commit.slice(0, 7)}${changed ? ', with changes' : ''})`;
  return [
    `Holdfast ${holdfast}${state}, ${at}, ${mode}, ${repetitions} repetitions in turns, ${seconds} s.`,
    `Temporal server ${server.version} (${server.kind}); Node ${node}, Temporal SDK ${temporalSdk}, Anthropic SDK ${anthropicSdk}.`,
    `${machine.cpus} cores (${machine.model}), ${machine.memoryMb} MB, ${machine.system}, load before ${machine.loadBefore.toFixed(1)}.`,
  ].join('  \n');
}

function rowsOf({ name, key, peers }: WorkloadRecord): string[][] {
  return peers.map(peer => {
    const { times, callsPerSecond, perCall, memory } = peer.summary;
    return [
      name,
      PEER_NAMES[peer.peer],
      ...[times?.p50, times?.p90, times?.p99, times?.max].map(number),
      number(callsPerSecond),
      ...[perCall?.workerCpu, perCall?.toolHostCpu, perCall?.serverCpu].map(number),
      number(perCall?.historyEvents),
      number(perCall?.historyBytes === undefined ? undefined : perCall.historyBytes / 1_000),
      number(perCall?.actions),
      number(perCall?.requests),
      memory === undefined ? '–' : `${megabytes(memory.workerRss)} / ${megabytes(memory.workerPss)}`,
      memory?.toolHostPss === undefined ? '–' : megabytes(memory.toolHostPss),
      ratioText(peer, key.label),
    ];
  });
}

/** `p50 ×0.97 (0.95–1.01)`: of the workload's key value, repetition by repetition. */
function ratioText({ ratio, failure }: PeerRecord, label: string): string {
  if (ratio === null) return failure === null ? '–' : 'failed';
  const { median, low, high, count } = ratio;
  const range = count < ENOUGH ? `${count} only` : `${low.toFixed(2)}–${high.toFixed(2)}`;
  return `${label} ×${median.toFixed(2)} (${range})`;
}

function figuresTable({ workloads }: BenchRecord): string {
  const rows = workloads.flatMap(({ name, peers }) =>
    peers.flatMap(({ peer, summary }) =>
      Object.entries(summary.figures).map(([label, value]) => [name, PEER_NAMES[peer], label, number(value)]),
    ),
  );
  return rows.length === 0 ? '' : table(['workload', 'peer', 'figure', 'value'], rows);
}

function notes({ skipped, workloads, mode }: BenchRecord): string[] {
  return [
    'key ratio: a workload’s key value divided by the straightforward program’s in the same repetition; median and 90 % interval',
    ...(mode === 'quick' ? ['quick: it shows that everything works; its figures mean nothing'] : []),
    ...skipped.map(({ peer, reason }) => `${PEER_NAMES[peer]} was left out: ${reason}`),
    ...workloads.flatMap(({ name, peers }) =>
      peers.flatMap(({ peer, failure }) =>
        failure === null ? [] : `${name}: ${PEER_NAMES[peer]} failed: ${failure}`,
      ),
    ),
  ];
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), `|${' --- |'.repeat(columns.length)}`, ...rows.map(line)].join('\n');
}

/** Three digits that count; `–` for what was not measured. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toFixed(size >= 10 ? 1 : 2)));
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / MB));
}
