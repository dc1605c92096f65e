import { Command, InvalidArgumentError } from 'commander';
import { type Config, readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { ROLES, type Role, type RunningWorker, startWorker } from '../worker.ts';

export function workerCommand(): Command {
  return new Command('worker')
    .description('run a worker: it listens to sessions, runs their tools and posts the results')
    .option('--roles <list>', `what it does, of ${ROLES.join(', ')}`, rolesOf, [...ROLES])
    .option('--verbose', 'log what Temporal does as well')
    .addHelpText(
      'after',
      '\nExamples:\n  ANTHROPIC_API_KEY=… holdfast worker\n  HOLDFAST_TOOLS=./tools.ts holdfast worker --roles tools',
    )
    .action(async (flags: { readonly roles: readonly Role[]; readonly verbose?: boolean }) => {
      const config = readConfig();
      const log = createLog(flags.verbose);
      const worker = await startWorker(config, flags.roles, log);
      log.info(readyLine(config, flags.roles, worker));
      await untilSignalled(worker);
    });
}

export function readyLine(config: Config, roles: readonly Role[], worker: RunningWorker): string {
  const { address, namespace } = config.temporal;
  const host = worker.hostId === undefined ? '' : ` as host ${worker.hostId}`;
  return `worker ready (${roles.join(', ')})${host}; Temporal ${address}/${namespace}, API ${config.anthropic.baseURL}`;
}

/** SIGINT and SIGTERM let go of all activities at once; a second one does not wait for that. */
export async function untilSignalled(worker: RunningWorker): Promise<void> {
  let signals = 0;
  const stop = () => {
    if (++signals > 1) process.exit(130);
    worker.shutdown();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await worker.done;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function rolesOf(text: string): Role[] {
  const roles = text.split(',').map(role => role.trim());
  const unknown = roles.find(role => !ROLES.includes(role as Role));
  if (unknown !== undefined || roles.length === 0)
    throw new InvalidArgumentError(`${JSON.stringify(unknown)} is not one of ${ROLES.join(', ')}`);
  return roles as Role[];
}
