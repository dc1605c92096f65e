/** `holdfast demo`: the whole thing on one machine, without an account, and proof at the end. */
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { readConfig } from '../config.ts';
import { reportFigures, reportText } from '../dev/demo/report-text.ts';
import { type DemoReport, runDemo } from '../dev/demo/run-demo.ts';
import type { Paint } from '../dev/demo/timeline.ts';
import { verdictLine } from '../dev/demo/verdict.ts';
import { type Progress, startProgress } from '../dev/progress.ts';
import { durationOf } from './duration-option.ts';
import { catchEndingSignals } from './ending-signals.ts';

interface DemoFlags {
  readonly runner: 'holdfast' | 'sdk';
  readonly keep?: true;
  readonly json?: true;
  readonly limit: number;
  readonly killAfter?: number;
}

const EXAMPLES = `
A scripted agent mends a little project with real tools; what runs them is killed
with SIGKILL in the middle of a command and started again. The last line of
standard output is the verdict; the exit status is 0 if it is ok. Temporal is the
server that TEMPORAL_ADDRESS names (in a namespace of the demo's own), or one that
is started for it.

Examples:
  $ holdfast demo
  $ holdfast demo --runner sdk   # the same session, served by the SDK's own runner
  $ holdfast demo --keep         # and then look at it in Temporal's web UI
`;

/** Exit status: 0 the verdict is ok, 1 anything else, 2 bad flags, 130 ended by Ctrl-C. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('show what happens when a worker is killed; needs no account')
    .addOption(
      new Option('--runner <runner>', 'what serves the session')
        .choices(['holdfast', 'sdk'])
        .default('holdfast'),
    )
    .option('--keep', 'leave everything up after the verdict, until Ctrl-C')
    .option('--json', 'print one line of JSON')
    .addOption(
      new Option('--limit <duration>', 'what the session may take, from when Temporal is there')
        .argParser(durationOf('--limit'))
        .default(120_000, '120s'),
    )
    .addOption(
      new Option('--kill-after <duration>', 'from when the agent began')
        .argParser(durationOf('--kill-after'))
        .hideHelp(),
    )
    .addHelpText('after', EXAMPLES)
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const config = readConfig();
  const progress = startProgress(process.stderr);
  const ending = catchEndingSignals();
  let shown = false;
  try {
    await runDemo(
      {
        runner: flags.runner,
        env: config.env,
        cacheDir: config.cacheDir,
        given: config.temporal,
        limitMs: flags.limit,
        killAfterMs: flags.killAfter,
        signal: ending.signal,
        stage: progress.say,
        onCall: what => {
          if (process.stderr.isTTY) progress.say(`the agent calls ${what}`);
        },
      },
      async report => {
        progress.end();
        shown = true;
        process.exitCode = report.verdict.ok ? 0 : 1;
        process.stdout.write(
          flags.json ? `${JSON.stringify(reportFigures(report))}\n` : reportText(report, paint),
        );
        if (flags.keep) await keep(report, progress, ending.signal);
      },
    );
  } catch (error) {
    progress.end();
    const status = ending.status();
    if (status !== undefined) process.exitCode = status;
    else failed(error as Error, flags);
  } finally {
    progress.end();
    ending.release();
  }
  if (ending.status() !== undefined && !shown) process.stderr.write('demo: interrupted\n');
}

/** It could not begin: the error as it is (the finder's has several lines), and the verdict all the same. */
function failed(error: Error, flags: DemoFlags): void {
  const verdict = { ok: false, calls: 0, runTwice: 0, lost: 0, problems: [error.message] };
  process.stderr.write(`holdfast demo: ${error.message}\n`);
  process.stdout.write(`${flags.json ? JSON.stringify(verdict) : verdictLine(verdict)}\n`);
  process.exitCode = 1;
}

async function keep(report: DemoReport, progress: Progress, signal: AbortSignal): Promise<void> {
  const { temporal, sessionId } = report;
  const lines = [`session: ${sessionId}`];
  if (temporal?.uiAddress !== undefined)
    lines.push(
      `Temporal's web UI: ${temporal.uiAddress}/namespaces/${temporal.namespace}/workflows/${sessionId}`,
    );
  else if (temporal !== undefined)
    lines.push(`Temporal: ${temporal.address}, namespace ${temporal.namespace}`);
  process.stderr.write(`\n${lines.join('\n')}\nEverything stays up until Ctrl-C.\n`);
  await new Promise<void>(resolve => {
    if (signal.aborted) resolve();
    // Nothing else may keep the process when the session has ended.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
  progress.say('cleaning up');
}

/** Plain where standard output is no terminal, or NO_COLOR is set. */
const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });
