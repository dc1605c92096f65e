import { type WorkflowHandle, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { milliseconds } from '../duration.ts';
import { stopUpdate } from '../workflows/messages.ts';
import { CliError, lineOf } from './failure.ts';
import { followStatus } from './progress.ts';
import { sessionId } from './session-id.ts';
import { withTemporal } from './temporal-client.ts';

/** Beyond the grace: results are posted and the tool host is closed. */
const SETTLE_MS = 60_000;

interface StopFlags {
  readonly grace: string;
  readonly now?: boolean;
}

export function stopCommand(): Command {
  return new Command('stop')
    .description("end a session's run: nothing new starts, running calls may end, results are posted")
    .argument('<session>', 'id of the session')
    .option('--grace <duration>', 'how long running calls may still take', '30s')
    .option('--now', 'stop running calls at once; they are answered with what is known')
    .addHelpText('after', '\nExamples:\n  holdfast stop sesn_01ABC\n  holdfast stop sesn_01ABC --grace 5m')
    .action(stop);
}

async function stop(text: string, flags: StopFlags): Promise<void> {
  const id = sessionId(text);
  const graceMs = flags.now ? 0 : milliseconds('--grace', flags.grace);
  await withTemporal(readConfig(), async client => {
    const handle: WorkflowHandle = client.workflow.getHandle(id);
    try {
      await client.withDeadline(Date.now() + SETTLE_MS, () =>
        handle.executeUpdate(stopUpdate, { args: [{ graceMs, reason: 'a person stopped it' }] }),
      );
      const progress = followStatus(handle);
      try {
        await client.withDeadline(Date.now() + graceMs + SETTLE_MS, () => handle.result());
      } finally {
        progress.end();
      }
      process.stdout.write(`stopped ${id}\n`);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        throw new CliError(`session ${id} is not served now, there is nothing to stop`, 2);
      if (error instanceof WorkflowUpdateFailedError) throw new CliError(lineOf(error.cause ?? error), 1);
      throw new CliError(`could not see ${id} stop: ${lineOf(error)}; does a worker run?`, 1);
    }
  });
}
