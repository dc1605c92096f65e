import { Command, InvalidArgumentError } from 'commander';
import { type Config, readConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { ROLES, type Role, type RunningWorker, startWorker } from '../worker.ts';
import type { IntakeFlags } from '../worker-intake.ts';
import { durationOf } from './duration-option.ts';
import { CliError } from './failure.ts';

export function workerCommand(): Command {
  return new Command('worker')
    .description('run a worker: it listens to sessions, runs their tools and posts the results')
    .option('--roles <list>', `what it does, of ${ROLES.join(', ')}`, rolesOf, [...ROLES])
    .option(
      '--max-idle <duration>',
      'end a session from the work queue after so long without a turn; 0: never',
      durationOf('--max-idle'),
    )
    .option(
      '--reclaim <duration>',
      'take over work that others claimed and did not acknowledge for so long',
      durationOf('--reclaim'),
    )
    .option('--drain', 'end when the work queue is empty and the sessions of its items are over')
    .option('--verbose', 'log what Temporal does as well')
    .addHelpText(
      'after',
      '\nWith ANTHROPIC_ENVIRONMENT_ID and ANTHROPIC_ENVIRONMENT_KEY it serves the work queue of that environment.\n' +
        '\nExamples:\n  ANTHROPIC_API_KEY=… holdfast worker\n  HOLDFAST_TOOLS=./tools.ts holdfast worker --roles tools\n' +
        '  ANTHROPIC_ENVIRONMENT_ID=env_… ANTHROPIC_ENVIRONMENT_KEY=… holdfast worker --drain',
    )
    .action(async (flags: WorkerFlags) => {
      const config = readConfig();
      const queue = queueFlags(config, flags);
      const log = createLog({ format: config.log, verbose: flags.verbose });
      const worker = await startWorker(config, flags.roles, log, queue);
      log.info(readyLine(config, flags.roles, worker));
      await untilSignalled(worker);
    });
}

interface WorkerFlags {
  readonly roles: readonly Role[];
  readonly maxIdle?: number;
  readonly reclaim?: number;
  readonly drain?: boolean;
  readonly verbose?: boolean;
}

/** A flag about the queue must not look as if it worked where none is polled. */
function queueFlags(config: Config, { roles, maxIdle, reclaim, drain }: WorkerFlags): IntakeFlags {
  const given = { '--max-idle': maxIdle, '--reclaim': reclaim, '--drain': drain };
  const [flag] = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (flag !== undefined && config.anthropic.environmentId === undefined)
    throw new CliError(`${flag} is about a work queue: set ANTHROPIC_ENVIRONMENT_ID to serve one`, 2);
  if (flag !== undefined && !roles.includes('sessions'))
    throw new CliError(`${flag} is about the work queue, which is polled by the role sessions`, 2);
  return {
    ...(drain === undefined ? {} : { drain }),
    ...(maxIdle === undefined ? {} : { maxIdleMs: maxIdle }),
    ...(reclaim === undefined ? {} : { reclaimOlderThanMs: reclaim }),
  };
}

export function readyLine(config: Config, roles: readonly Role[], worker: RunningWorker): string {
  const { address, namespace, version } = config.temporal;
  const host = worker.hostId === undefined ? '' : ` as host ${worker.hostId}`;
  const { baseURL, environmentId } = config.anthropic;
  const queue = environmentId !== undefined && roles.includes('sessions') ? `, work of ${environmentId}` : '';
  const build = version === undefined ? '' : `, build ${version.buildId} of ${version.deploymentName}`;
  return `worker ready (${roles.join(', ')})${host}${build}; Temporal ${address}/${namespace}, API ${baseURL}${queue}`;
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

export function rolesOf(text: string): Role[] {
  const roles = text.split(',').map(role => role.trim());
  const unknown = roles.find(role => !ROLES.includes(role as Role));
  if (unknown !== undefined || roles.length === 0)
    throw new InvalidArgumentError(`${JSON.stringify(unknown)} is not one of ${ROLES.join(', ')}`);
  return roles as Role[];
}
