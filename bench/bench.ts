/** `npm run bench`: Holdfast and its peers side by side in one run. docs/performance.md tells how to read it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { durationOf } from '../src/cli/duration-option.ts';
import { catchEndingSignals } from '../src/cli/ending-signals.ts';
import { readConfig } from '../src/config.ts';
import { startProgress } from '../src/dev/progress.ts';
import { errorLine } from '../src/error-text.ts';
import type { Mode } from './mode.ts';
import { peerByName } from './peers/all.ts';
import { PEERS, type PeerName } from './peers/peer.ts';
import { type BenchRecord, FORMAT, type WorkloadRecord } from './record.ts';
import { costChart } from './report/chart.ts';
import { gateOf } from './report/gate.ts';
import { reportOf } from './report/table.ts';
import { runBench } from './run.ts';
import { WORKLOADS } from './workloads/all.ts';
import type { Workload } from './workloads/workload.ts';

interface Flags {
  readonly quick?: true;
  readonly full?: true;
  readonly only?: readonly Workload[];
  readonly peers?: readonly PeerName[];
  readonly repetitions?: number;
  readonly server?: 'sqlite' | 'postgresql';
  readonly outage?: number;
  readonly json?: string;
  readonly chart?: string;
  readonly compare?: { readonly file: string; readonly record: BenchRecord };
}

const REPETITIONS: Readonly<Record<Mode, number>> = { quick: 1, normal: 5, full: 5 };

const HELP = `
Every workload is played by each peer in turns (A-B-A-B) against one Temporal server and
an emulated API; it needs no account. About 40 minutes; --quick under one.

The server is a development server on SQLite that is started for it, one on PostgreSQL
with --server postgresql, or the one that TEMPORAL_ADDRESS names (tuned as in
docs/operations.md, or all peers wait for it).

Workloads: ${WORKLOADS.map(({ name }) => name).join(', ')}.

Exit status: 0; 1 a workload failed for Holdfast, or with --compare one got worse by more
than the noise of both runs; 2 bad flags; 130 ended by Ctrl-C.

Examples:
  $ npm run bench
  $ npm run bench -- --only no-op,four-calls --peers holdfast,straightforward --json out.json
  $ npm run bench -- --compare baseline.json
`;

await new Command('bench')
  .description('Holdfast and its peers, side by side in one run')
  .option('--quick', 'only shows that everything works: few calls, one repetition')
  .option('--full', 'adds the long workloads, and more calls to the others')
  .option('--only <workloads>', 'of those below, separated by commas', workloadsOf)
  .option('--peers <peers>', `of ${PEERS.join(', ')}`, peersOf)
  .option('--repetitions <number>', `of each workload (${REPETITIONS.normal})`, whole)
  .addOption(new Option('--server <kind>', 'started for this').choices(['sqlite', 'postgresql']))
  .option('--outage <time>', 'how long the API is away (20s; 10m with --full)', durationOf('--outage'))
  .option('--json <file>', 'everything that was measured')
  .option('--chart <file>', 'an SVG for the README')
  .option('--compare <file>', 'what --json wrote before: fails where a ratio got worse', baselineOf)
  .addHelpText('after', HELP)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(bench)
  .parseAsync();

async function bench(flags: Flags): Promise<void> {
  const config = readConfig();
  const mode: Mode = flags.quick ? 'quick' : flags.full ? 'full' : 'normal';
  const ending = catchEndingSignals();
  const progress = startProgress(process.stderr);
  const say = (text: string) => {
    if (process.stderr.isTTY) progress.say(text);
  };
  try {
    const record = await runBench({
      mode,
      repetitions: flags.repetitions ?? REPETITIONS[mode],
      workloads: flags.only ?? WORKLOADS.filter(({ modes }) => modes.includes(mode)),
      peers: (flags.peers ?? defaultPeers(mode)).map(name => peerByName[name]),
      server: flags.server ?? (config.temporal.isGiven ? 'given' : 'sqlite'),
      given: config.temporal,
      env: config.env,
      cacheDir: config.cacheDir,
      signal: ending.signal,
      ...(flags.outage === undefined ? {} : { outageMs: flags.outage }),
      stage: say,
      done: one => {
        progress.end();
        process.stderr.write(`${lineOf(one)}\n`);
      },
    });
    progress.end();
    tell(record, flags);
  } catch (error) {
    progress.end();
    const interrupted = ending.status() !== undefined;
    process.stderr.write(`bench: ${interrupted ? 'interrupted' : errorLine(error)}\n`);
    process.exitCode = ending.status() ?? 1;
  } finally {
    ending.release();
  }
}

function tell(record: BenchRecord, flags: Flags): void {
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(record, rounded)}\n`);
  if (flags.chart !== undefined) writeFileSync(flags.chart, costChart(record));
  process.stdout.write(reportOf(record));
  const failed = record.workloads.flatMap(({ name, peers }) =>
    peers.some(({ peer, failure }) => peer === 'holdfast' && failure !== null) ? name : [],
  );
  if (failed.length > 0) process.stderr.write(`bench: failed for Holdfast: ${failed.join(', ')}\n`);
  const gate = flags.compare && gateOf(record, flags.compare.record);
  if (gate !== undefined) process.stdout.write(`\n${gate.text}\n`);
  if (gate !== undefined && gate.worse.length > 0)
    process.stderr.write(`bench: worse than in ${flags.compare?.file}: ${gate.worse.join(', ')}\n`);
  process.exitCode = failed.length + (gate?.worse.length ?? 0) > 0 ? 1 : 0;
}

/** `no-op: 41 s, p50 holdfast 33.1 ms, straightforward 34.9 ms`. */
function lineOf({ name, seconds, key, peers }: WorkloadRecord): string {
  const values = peers.map(({ peer, summary, failure }) => {
    if (failure !== null) return `${peer} failed: ${failure}`;
    return `${peer} ${summary.key?.median.toFixed(2) ?? '–'} ${key.unit}`;
  });
  return `${name}: ${seconds} s, ${key.label} ${values.join(', ')}`;
}

/** A hundredth of a millisecond is below what anything here can tell. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

function defaultPeers(mode: Mode): readonly PeerName[] {
  // Its installation may take longer than all of a quick run.
  return mode === 'quick' ? PEERS.filter(name => name !== 'python') : PEERS;
}

function baselineOf(file: string): { readonly file: string; readonly record: BenchRecord } {
  let record: BenchRecord;
  try {
    record = JSON.parse(readFileSync(file, 'utf8')) as BenchRecord;
  } catch (error) {
    throw new InvalidArgumentError(`it cannot be read: ${errorLine(error)}`);
  }
  if (record.format === FORMAT) return { file, record };
  throw new InvalidArgumentError(`it is not of this format (${FORMAT}): make it anew with --json`);
}

function workloadsOf(list: string): readonly Workload[] {
  return list.split(',').map(name => {
    const found = WORKLOADS.find(workload => workload.name === name.trim());
    if (found !== undefined) return found;
    throw new InvalidArgumentError(
      `there is no workload ${name}; there are ${WORKLOADS.map(one => one.name).join(', ')}`,
    );
  });
}

function peersOf(list: string): readonly PeerName[] {
  return list.split(',').map(name => {
    const found = PEERS.find(peer => peer === name.trim());
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`there is no peer ${name}; there are ${PEERS.join(', ')}`);
  });
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value;
  throw new InvalidArgumentError('write a whole number from 1 to 100');
}
