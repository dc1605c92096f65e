/** The command line: one line per command. Exit codes are the contract's: 0 ended, 1 failed, 2 usage. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { adoptCommand } from './cli/adopt.ts';
import { approvalsCommand } from './cli/approvals.ts';
import { chaosCommand } from './cli/chaos.ts';
import { codecServerCommand } from './cli/codec-server.ts';
import { consoleCommand } from './cli/console.ts';
import { demoCommand } from './cli/demo.ts';
import { doctorCommand } from './cli/doctor.ts';
import { emulatorCommand } from './cli/emulator.ts';
import { useEnvFile } from './cli/env-file.ts';
import { exitCodeOf, lastWords } from './cli/failure.ts';
import { healthCommand } from './cli/health.ts';
import { initCommand } from './cli/init.ts';
import { listCommand } from './cli/list.ts';
import { logsCommand } from './cli/logs.ts';
import { replayCommand } from './cli/replay.ts';
import { setupCommand } from './cli/setup.ts';
import { showCommand } from './cli/show.ts';
import { startCommand } from './cli/start.ts';
import { stopCommand } from './cli/stop.ts';
import { toolsCommand } from './cli/tools.ts';
import { upCommand } from './cli/up.ts';
import { watchCommand } from './cli/watch.ts';
import { webhookCommand } from './cli/webhook.ts';
import { workerCommand } from './cli/worker.ts';
import { errorLine } from './error-text.ts';

/** @param argv as `process.argv`. Ends the process only by setting its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('holdfast')
    .description(
      'Runs the tools of Claude managed-agents sessions so that nothing runs twice and nothing is lost.',
    )
    .version(version())
    .showHelpAfterError('(add --help for the options)')
    .addCommand(initCommand())
    .addCommand(upCommand())
    .addCommand(workerCommand())
    .addCommand(toolsCommand())
    .addCommand(startCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(watchCommand())
    .addCommand(logsCommand())
    .addCommand(stopCommand())
    .addCommand(healthCommand())
    .addCommand(adoptCommand())
    .addCommand(approvalsCommand())
    .addCommand(consoleCommand())
    .addCommand(webhookCommand())
    .addCommand(codecServerCommand())
    .addCommand(setupCommand())
    .addCommand(doctorCommand())
    .addCommand(replayCommand())
    .addCommand(emulatorCommand())
    .addCommand(demoCommand())
    .addCommand(chaosCommand());
  throwOnError(program);
  useEnvFile(program);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    // Commander has printed its own errors already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.stderr.write(`${lastWords(argv[2], errorLine(error))}\n`);
      process.exitCode = exitCodeOf(error);
    }
  }
}

/** Commander would end the process by itself. */
function throwOnError(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) throwOnError(sub);
}

function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
