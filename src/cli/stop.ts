import { Command } from 'commander';
import { HoldfastError, type Stopped, stopSession } from '../client.ts';
import { readConfig } from '../config.ts';
import { milliseconds } from '../duration.ts';
import { errorLine } from '../error-text.ts';
import { CliError } from './failure.ts';
import { followStatus } from './progress.ts';
import { sessionId } from './session-id.ts';
import { withTemporal } from './temporal-client.ts';

interface StopFlags {
  readonly grace: string;
  readonly now?: boolean;
  readonly json?: boolean;
}

export function stopCommand(): Command {
  return new Command('stop')
    .description("end a session's run: nothing new starts, running calls may end, results are posted")
    .argument('<session>', 'id of the session')
    .option('--grace <duration>', 'how long running calls may still take', '30s')
    .option('--now', 'stop running calls at once; they are answered with what is known')
    .option('--json', 'print one line of JSON: what became of its calls, as `start --wait --json` does')
    .addHelpText('after', '\nExamples:\n  holdfast stop sesn_01ABC\n  holdfast stop sesn_01ABC --grace 5m')
    .action(stop);
}

async function stop(text: string, flags: StopFlags): Promise<void> {
  const id = sessionId(text);
  const graceMs = flags.now ? 0 : milliseconds('--grace', flags.grace);
  await withTemporal(readConfig(), async client => {
    let stopped: Stopped | undefined;
    let progress: ReturnType<typeof followStatus> | undefined;
    const onAccepted = () => {
      progress = followStatus(client.workflow.getHandle(id));
    };
    try {
      stopped = await stopSession(client, id, { graceMs, reason: 'a person stopped it', onAccepted });
      if (stopped.kind === 'not-served')
        throw new CliError(`session ${id} is not served now, there is nothing to stop`, 2);
    } catch (error) {
      if (error instanceof HoldfastError)
        throw new CliError(`could not see ${id} stop: ${errorLine(error)}`, 1);
      throw error;
    } finally {
      progress?.end();
    }
    const summary = stopped?.kind === 'stopped' ? stopped.summary : undefined;
    const line = summary ?? { session: id, state: 'stopped' };
    process.stdout.write(flags.json ? `${JSON.stringify(line)}\n` : `stopped ${id}\n`);
  });
}
