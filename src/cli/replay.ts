/** `holdfast replay`: whether runs that are under way, or were recorded, go on with this version's workflow code. */
import { DefaultLogger } from '@temporalio/worker';
import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config.ts';
import { historyFiles } from '../replay/history-files.ts';
import { type ReplaySource, replayAll } from '../replay/replay.ts';
import { serverHistories } from '../replay/server-histories.ts';
import { isBad, type ReplayVerdict } from '../replay/verdict.ts';
import { workflowBundle } from '../workflow-bundle.ts';
import { CliError } from './failure.ts';
import { statusLine } from './progress.ts';
import { mark } from './table.ts';
import { withTemporal } from './temporal-client.ts';

interface Flags {
  readonly fromServer?: boolean;
  readonly query?: string;
  readonly limit?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const RUNNING = "WorkflowType = 'runSession' AND ExecutionStatus = 'Running'";

const HELP = `
A file is what \`temporal workflow show --workflow-id ID --output json\` writes, plain or gzipped; of a folder, all
files that end in .json or .json.gz. --from-server takes the runs that are under way, or those of --query.

Exit codes: 0 all go on, 1 one would not (or could not be read), 2 nothing to replay.

Examples:
  holdfast replay ./histories
  holdfast replay --from-server
  holdfast replay --from-server --query "WorkflowType = 'runSession' AND StartTime > '2027-01-01T00:00:00Z'"
`;

export function replayCommand(): Command {
  return new Command('replay')
    .description('replay recorded sessions with this version’s workflow code: the check before an upgrade')
    .argument('[paths...]', 'histories: files, or folders of them')
    .option('--from-server', 'replay the runs that the Temporal server has')
    .option('--query <query>', 'with --from-server: which runs, as for `temporal workflow list`')
    .option('--limit <n>', 'with --from-server: at most so many', count)
    .option('--quiet', 'print only what would fail')
    .option('--json', 'print one line of JSON per run')
    .addHelpText('after', HELP)
    .action(replay);
}

async function replay(paths: readonly string[], flags: Flags): Promise<void> {
  if (flags.fromServer !== true) {
    if (paths.length === 0)
      throw new CliError('name a file or a folder of histories, or say --from-server', 2);
    if (flags.query !== undefined || flags.limit !== undefined)
      throw new CliError('--query and --limit go with --from-server', 2);
    return judge(await fileSources(paths), flags);
  }
  if (paths.length > 0) throw new CliError('either files or --from-server, not both', 2);
  await withTemporal(readConfig(), client =>
    judge(serverHistories(client, flags.query ?? RUNNING, flags.limit), flags),
  );
}

async function fileSources(paths: readonly string[]): Promise<ReplaySource[]> {
  const sources: ReplaySource[] = [];
  for (const path of paths) {
    const found = await historyFiles(path);
    if (found.kind === 'missing') throw new CliError(found.message, 2);
    sources.push(...found.files.map(file => ({ source: file, path: file })));
  }
  return sources;
}

async function judge(
  sources: AsyncIterable<ReplaySource> | ReplaySource[],
  { quiet, json }: Flags,
): Promise<void> {
  const { cacheDir, sealingKey, oldKeys, stateDir } = readConfig();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const of = Array.isArray(sources) ? ` of ${sources.length.toLocaleString('en')}` : '';
  let all = 0;
  let bad = 0;
  let unreadable = 0;
  const progress = statusLine(
    () => `${Math.round(seconds())} s  replayed ${all.toLocaleString('en')}${of}, ${bad} would fail`,
  );
  const onVerdict = (verdict: ReplayVerdict) => {
    all++;
    if (verdict.verdict === 'unreadable') unreadable++;
    else if (isBad(verdict)) bad++;
    if (quiet && !isBad(verdict)) return;
    progress.clear();
    process.stdout.write(`${json ? JSON.stringify(verdict) : lineOf(verdict)}\n`);
  };
  try {
    await replayAll(sources, {
      workflowBundle: await workflowBundle(cacheDir, new DefaultLogger('WARN')),
      keys: { sealingKey, oldKeys, stateDir },
      onVerdict,
    });
  } finally {
    progress.end();
  }
  if (bad + unreadable > 0) process.exitCode = 1;
  if (json) return;
  process.stdout.write(`replay: ${summaryOf(all, bad, unreadable)} (${seconds().toFixed(1)} s)\n`);
}

function summaryOf(all: number, bad: number, unreadable: number): string {
  const number = (n: number) => n.toLocaleString('en');
  if (all === 0) return 'ok, no such run on the server';
  const runs = `${number(all)} run${all === 1 ? '' : 's'}`;
  if (bad + unreadable === 0) return `ok, ${runs}`;
  const would =
    bad === 0 ? '' : `${number(bad)} of ${runs} would not go on with this version: see docs/upgrades.md`;
  const none = unreadable === 0 ? '' : `${number(unreadable)} of ${runs} could not be replayed`;
  return [would, none].filter(part => part !== '').join('; ');
}

function lineOf({ source, session, runId, events, verdict, event, why }: ReplayVerdict): string {
  const who = session ?? source;
  const from = source === 'server' ? `run ${runId ?? '?'}` : source;
  const what = who === source ? source : `${who} (${from})`;
  switch (verdict) {
    case 'ok':
      return `${mark('ok')} ${what}: ok, ${events} events`;
    case 'nothing-yet':
      return `${mark('ok')} ${what}: ${why}`;
    default: {
      const where = event === null ? '' : ` at event ${event}`;
      return `${mark('broken')} ${what}: ${verdict}${where}: ${why}`;
    }
  }
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 on');
  return value;
}
