/** `holdfast chaos`: kills everything, again and again, and counts what was done twice or lost. */
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readConfig } from '../config.ts';
import { VICTIMS, type Victim } from '../dev/chaos/plan.ts';
import { reportText } from '../dev/chaos/report-text.ts';
import { type ChaosResult, runChaos } from '../dev/chaos/run-chaos.ts';
import { loadUserTools } from '../dev/chaos/user-tools.ts';
import { startProgress } from '../dev/progress.ts';
import { durationOf } from './duration-option.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { CliError } from './failure.ts';

interface ChaosFlags {
  readonly runner: 'holdfast' | 'sdk';
  readonly seed?: number;
  readonly kills?: number;
  readonly duration?: number;
  readonly victims?: readonly Victim[];
  readonly sessions: number;
  readonly limit: number;
  readonly tools?: string;
  readonly json?: true;
  readonly keep?: true;
}

const KILLS = 20;
const MOST_SEED = 2 ** 31;

const HELP = `
Many sessions, each with several calls in flight, run on two workers while workers,
tool hosts, Temporal and the API are struck at random. Tools alone write down what
they did: a call with two lines was doubled. Nothing of it needs an account; Temporal
is a server that is started for it, or the one that TEMPORAL_ADDRESS names (in a
namespace of its own; it is then not killed).

With --tools the agents call your own tools instead, with inputs from the module's
export \`chaos\` (\`export const chaos = { charge_card: [{ cents: 100 }] }\`), or made up
from their schemas. What was doubled then shows in the journals: they count starts.

Exit status: 0 nothing doubled, lost, stuck or wrongly unknown; 1 otherwise, with the
command that runs the same plan again; 2 bad flags; 130 ended by Ctrl-C.

Examples:
  $ holdfast chaos
  $ holdfast chaos --kills 60 --seed 1 --json
  $ holdfast chaos --victims worker,api --duration 2m
  $ holdfast chaos --tools ./tools.ts --sessions 8
  $ holdfast chaos --runner sdk        # the control: the SDK's own runner doubles
`;

export function chaosCommand(): Command {
  return new Command('chaos')
    .description('kill everything at random, and count what was done twice or lost; needs no account')
    .addOption(
      new Option('--runner <runner>', 'what serves the sessions')
        .choices(['holdfast', 'sdk'])
        .default('holdfast'),
    )
    .option('--seed <number>', 'of the plan; any by default', whole('--seed', 0, MOST_SEED))
    .option(
      '--kills <number>',
      `strikes (${KILLS}, or as many as --duration allows)`,
      whole('--kills', 1, 100_000),
    )
    .option('--duration <time>', 'no new strike after this', durationOf('--duration'))
    .option('--victims <list>', `of ${VICTIMS.join(', ')}; all by default`, victimsOf)
    .option('--tools <file>', 'your own tools module: they run for real, many times')
    .option('--sessions <number>', 'at the same time', whole('--sessions', 1, 500), 24)
    .addOption(
      new Option('--limit <time>', 'what sessions may take to end after the last strike')
        .argParser(durationOf('--limit'))
        .default(180_000, '3m'),
    )
    .option('--json', 'print one line of JSON')
    .option('--keep', 'leave logs, journals and histories also when all was well')
    .addHelpText('after', HELP)
    .action(chaos);
}

async function chaos(flags: ChaosFlags): Promise<void> {
  const config = readConfig();
  const { runner, sessions, limit } = flags;
  const seed = flags.seed ?? randomInt(1, 100_000);
  const kills = flags.kills ?? (flags.duration === undefined ? KILLS : Number.POSITIVE_INFINITY);
  const victims = victimsFor(flags, config.temporal.isGiven);
  const tools = flags.tools === undefined ? undefined : await usableTools(flags.tools);
  const ending = catchEndingSignals();
  const progress = startProgress(process.stderr);
  try {
    const result = await runChaos({
      runner,
      seed,
      kills,
      victims,
      sessions,
      limitMs: limit,
      durationMs: flags.duration ?? Number.POSITIVE_INFINITY,
      env: config.env,
      cacheDir: config.cacheDir,
      given: config.temporal,
      encryption: config,
      signal: ending.signal,
      repeat: repeatOf(flags, seed, victims),
      keep: flags.keep ?? false,
      ...(tools === undefined ? {} : { tools }),
      stage: text => {
        if (process.stderr.isTTY) progress.say(text);
      },
    });
    progress.end();
    show(result, flags);
  } catch (error) {
    progress.end();
    const status = ending.status();
    if (status === undefined) throw error;
    process.stderr.write('chaos: interrupted\n');
    process.exitCode = status;
  } finally {
    progress.end();
    ending.release();
  }
}

function show({ report, kept }: ChaosResult, flags: ChaosFlags): void {
  process.exitCode = report.ok ? 0 : 1;
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (kept !== undefined) process.stderr.write(`evidence: ${kept}\n`);
  if (!report.ok) process.stderr.write(`repeat:   ${report.repeat}\n`);
}

/** @throws CliError (2) */
async function usableTools(file: string) {
  const tools = await loadUserTools(resolve(file));
  if (tools.kind === 'unusable') throw new CliError(tools.message, 2);
  return tools;
}

/** @throws CliError (2) where nothing is left to strike, or something was asked for that cannot be. */
function victimsFor({ runner, victims }: ChaosFlags, isGiven: boolean): readonly Victim[] {
  const barred = new Map<Victim, string>();
  if (runner === 'sdk') {
    const why = "the SDK's runner has none";
    barred.set('tool-host', why).set('temporal', why);
  } else if (isGiven) {
    barred.set(
      'temporal',
      'TEMPORAL_ADDRESS names a server that is not ours to kill; unset it, or leave temporal out',
    );
  }
  for (const victim of victims ?? []) {
    const why = barred.get(victim);
    if (why !== undefined) throw new CliError(`--victims ${victim}: ${why}`, 2);
  }
  return (victims ?? VICTIMS).filter(victim => !barred.has(victim));
}

function repeatOf(flags: ChaosFlags, seed: number, victims: readonly Victim[]): string {
  const words = ['holdfast chaos', `--seed ${seed}`];
  if (flags.duration !== undefined) words.push(`--duration ${flags.duration}ms`);
  if (flags.kills !== undefined || flags.duration === undefined)
    words.push(`--kills ${flags.kills ?? KILLS}`);
  words.push(`--victims ${victims.join(',')}`, `--sessions ${flags.sessions}`);
  if (flags.tools !== undefined) words.push(`--tools ${flags.tools}`);
  if (flags.runner === 'sdk') words.push('--runner sdk');
  return words.join(' ');
}

function victimsOf(text: string): Victim[] {
  const named = text.split(',').map(name => name.trim());
  const unknown = named.find(name => !VICTIMS.includes(name as Victim));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${JSON.stringify(unknown)} is not one of ${VICTIMS.join(', ')}`);
  return [...new Set(named as Victim[])];
}

function whole(flag: string, from: number, to: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`${flag} is a whole number from ${from} to ${to}`);
  };
}
