import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { healthOf } from '../health.ts';
import type { Role } from '../worker.ts';
import { rolesOf } from './worker.ts';

export function healthCommand(): Command {
  return new Command('health')
    .description('tell whether the workers that use this state folder are well: exit 0, or 1 and why not')
    .option('--roles <list>', 'ask for healthy workers with these roles', rolesOf, [])
    .option('--json', 'print one line of JSON per worker')
    .addHelpText(
      'after',
      '\nA worker that Temporal does not answer is not healthy, nor is one that hangs.\n\nExamples:\n' +
        '  holdfast health\n  HOLDFAST_STATE_DIR=/var/lib/holdfast holdfast health --roles tools',
    )
    .action(({ roles, json }: { roles: readonly Role[]; json?: boolean }) => {
      const { ok, lines, workers } = healthOf(readConfig().stateDir, roles);
      for (const line of json ? workers.map(worker => JSON.stringify(worker)) : lines)
        process.stdout.write(`${line}\n`);
      process.exitCode = ok ? 0 : 1;
    });
}
