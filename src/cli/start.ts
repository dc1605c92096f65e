import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { Command } from 'commander';
import { startSession, summaryOfRun } from '../client.ts';
import { readConfig } from '../config.ts';
import { milliseconds } from '../duration.ts';
import { errorLine } from '../error-text.ts';
import { runOptionsOf } from '../run-options.ts';
import type { SessionSummary } from '../workflows/messages.ts';
import type { runSession } from '../workflows/run-session.ts';
import { durationOf } from './duration-option.ts';
import { CliError } from './failure.ts';
import { followStatus } from './progress.ts';
import { requireSession, sessionId } from './session-id.ts';
import { callTable } from './table.ts';
import { withTemporal } from './temporal-client.ts';

interface StartFlags {
  readonly wait?: boolean;
  readonly maxIdle?: string;
  readonly maxDuration?: number;
  readonly approvalDeadline?: number;
  readonly json?: boolean;
}

export function startCommand(): Command {
  return new Command('start')
    .description("serve a session's tool calls (again); starting it twice is harmless")
    .argument('<session>', 'id of the session, sesn_…')
    .option('--wait', 'wait until the run ends, and print what became of each call')
    .option('--max-idle <duration>', 'end the run after so long without a new turn; 0: never (default 60s)')
    .option(
      '--max-duration <duration>',
      'stop the run after so long; 0: never (default)',
      durationOf('--max-duration'),
    )
    .option(
      '--approval-deadline <duration>',
      'deny a call that nobody has allowed after so long; 0: never (default, or HOLDFAST_APPROVAL_DEADLINE)',
      durationOf('--approval-deadline'),
    )
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast start sesn_01ABC\n  holdfast start sesn_01ABC --wait --json --max-idle 5m',
    )
    .action(start);
}

async function start(text: string, flags: StartFlags): Promise<void> {
  const id = sessionId(text);
  const idle = flags.maxIdle === undefined ? {} : { maxIdleMs: milliseconds('--max-idle', flags.maxIdle) };
  const config = readConfig();
  const { maxDuration, approvalDeadline } = flags;
  const options = {
    ...idle,
    ...runOptionsOf(config),
    ...(maxDuration === undefined ? {} : { maxDurationMs: maxDuration }),
    ...(approvalDeadline === undefined ? {} : { approvalDeadlineMs: approvalDeadline }),
  };
  await requireSession(config, id);
  await withTemporal(config, async client => {
    const handle = await startSession(client, id, options);
    if (!flags.wait) {
      if (flags.json) print({ session: id, state: 'started' });
      else process.stdout.write(`started ${id}; see it with: holdfast show ${id}\n`);
      return;
    }
    await waitForEnd(handle, id, flags.json === true);
  });
}

/** Shows how the run gets on, and prints what it came to. */
export async function waitForEnd(
  handle: WorkflowHandle<typeof runSession>,
  id: string,
  json: boolean,
): Promise<void> {
  const progress = followStatus(handle);
  const left = () => {
    progress.end();
    process.stderr.write(`left ${id} running; end it with: holdfast stop ${id}\n`);
    process.exit(130);
  };
  process.once('SIGINT', left);
  try {
    const summary = await summaryOfRun(handle);
    progress.end();
    if (json) print(summary);
    else printSummary(summary);
    if (summary.state === 'failed') {
      process.exitCode = isMissing(summary.reason) ? 2 : 1;
      process.stderr.write(`holdfast: ${id} failed: ${errorLine(summary.reason)}\n`);
    }
  } catch (error) {
    progress.end();
    if (error instanceof WorkflowFailedError)
      throw new CliError(`the run of ${id} was ended: ${errorLine(error.cause ?? error)}`, 1);
    throw error;
  } finally {
    process.removeListener('SIGINT', left);
  }
}

function isMissing(reason: string): boolean {
  return /\b404\b/.test(reason);
}

function printSummary(summary: SessionSummary): void {
  const where = summary.host === null ? '' : ` on ${summary.host}`;
  if (summary.calls.length > 0) process.stdout.write(`${callTable(summary.calls)}\n`);
  process.stdout.write(
    `${summary.session}: ${summary.state} (${summary.reason})${where}, ${summary.calls.length} calls\n`,
  );
}

/** The contract's line (design §9): exactly one, on standard output. */
function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
