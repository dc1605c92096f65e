/**
 * Hundreds of sessions on one worker against the emulator: a tenth held, a tenth interrupted, every stream cut
 * after seconds. `node scripts/crowd.ts [sessions] [--json]`; exit status 0 when all settled within the budget.
 */
import { Command } from 'commander';
import { catchEndingSignals } from '../src/cli/ending-signals.ts';
import { readConfig } from '../src/config.ts';
import type { CrowdReport } from '../src/dev/crowd/report.ts';
import { runCrowd } from '../src/dev/crowd/run-crowd.ts';
import { startProgress } from '../src/dev/progress.ts';
import { milliseconds } from '../src/duration.ts';

interface Flags {
  readonly json?: true;
  readonly cut: string;
  readonly reads: string;
  readonly limit: string;
}

await new Command('crowd')
  .description('many sessions on one worker, against the emulator')
  .argument('[sessions]', 'how many', '300')
  .option('--cut <duration>', 'every stream is cut so long after it was opened', '5s')
  .option('--reads <number>', 'API reads a minute that the worker may make, and that the API takes', '1200')
  .option('--limit <duration>', 'what all of it may take', '20m')
  .option('--json', 'print one line of JSON')
  .action(crowd)
  .parseAsync();

async function crowd(sessions: string, flags: Flags): Promise<void> {
  const config = readConfig();
  const ending = catchEndingSignals();
  const progress = startProgress(process.stderr);
  try {
    const report = await runCrowd({
      sessions: Number(sessions),
      cutEveryMs: milliseconds('--cut', flags.cut),
      readsPerMinute: Number(flags.reads),
      limitMs: milliseconds('--limit', flags.limit),
      env: config.env,
      cacheDir: config.cacheDir,
      given: config.temporal,
      signal: ending.signal,
      stage: text => {
        if (process.stderr.isTTY) progress.say(text);
      },
    });
    progress.end();
    process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : textOf(report));
    process.exitCode = report.ok ? 0 : 1;
  } catch (error) {
    progress.end();
    process.stderr.write(
      `crowd: ${ending.status() === undefined ? (error as Error).message : 'interrupted'}\n`,
    );
    process.exitCode = ending.status() ?? 1;
  } finally {
    ending.release();
  }
}

function textOf(report: CrowdReport): string {
  const { sessions, seconds, calls, answered, denied, interrupted, doubled, requests, workerMb } = report;
  const { reads, posts, readsInBusiestMinute, readBudget, limited, postsInBusiestMinute } = requests;
  return [
    `${sessions} sessions, ${calls} calls in ${seconds} s: ${answered} answered, ${denied} denied, ` +
      `${interrupted} interrupted, ${doubled} doubled`,
    `${reads} reads (${readsInBusiestMinute} in the busiest minute, of ${readBudget}), ` +
      `${posts} posts (${postsInBusiestMinute}), ${limited} refused as too many; ${report.streams} streams`,
    `worker: ${workerMb ?? '?'} MB at most`,
    ...report.wrong.map(line => `wrong: ${line}`),
    ...report.stuck.map(line => `stuck: ${line}`),
    `crowd: ${report.ok ? 'ok' : 'failed'}`,
    '',
  ].join('\n');
}
