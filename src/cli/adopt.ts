import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { sessionsTokenFromSecret } from '../anthropic/work-secret.ts';
import { type Config, readConfig } from '../config.ts';
import { type Adopted, adoptWork } from '../intake/adopt.ts';
import { loadKeyRing } from '../key-ring.ts';
import { createSealing } from '../sealing.ts';
import type { WorkItem } from '../workflows/messages.ts';
import { durationOf } from './duration-option.ts';
import { CliError } from './failure.ts';
import { sessionId } from './session-id.ts';
import { waitForEnd } from './start.ts';
import { withTemporal } from './temporal-client.ts';

interface AdoptFlags {
  readonly workId?: string;
  readonly environmentId?: string;
  readonly sessionId?: string;
  readonly workSecret?: string;
  readonly lastHeartbeat?: string;
  readonly maxIdle?: number;
  readonly wait: boolean;
  readonly json?: boolean;
}

export function adoptCommand(): Command {
  return new Command('adopt')
    .description('serve a work item that something else has claimed and acknowledged, until its run ends')
    .option('--work-id <id>', 'default: ANTHROPIC_WORK_ID')
    .option('--environment-id <id>', 'default: ANTHROPIC_ENVIRONMENT_ID')
    .option('--session-id <id>', 'default: ANTHROPIC_SESSION_ID')
    .option(
      '--work-secret <secret>',
      'default: ANTHROPIC_WORK_SECRET, where the process list does not show it',
    )
    .option(
      '--last-heartbeat <value>',
      'the newest one, if there was any; default: ANTHROPIC_WORK_LAST_HEARTBEAT',
    )
    .option(
      '--max-idle <duration>',
      'end the run after so long without a turn; 0: never',
      durationOf('--max-idle'),
    )
    .option('--no-wait', 'return as soon as a workflow owns the item')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      '\nThe token of the secret is sealed with HOLDFAST_KEY, or with the key file of HOLDFAST_STATE_DIR: workers need the same.\n' +
        '\nExample:\n  ant worker poll --on-work "holdfast adopt"',
    )
    .action(adopt);
}

/** How long the item may take to find its workflow: a run of the session may be about to end. */
const PATIENCE_MS = 60_000;

async function adopt(flags: AdoptFlags): Promise<void> {
  const config = readConfig();
  const { session, work } = await claimOf(config, flags);
  const idle = flags.maxIdle === undefined ? {} : { maxIdleMs: flags.maxIdle };
  await withTemporal(config, async client => {
    const began = performance.now();
    let handle: Extract<Adopted, { kind: 'adopted' }>['handle'];
    for (;;) {
      const adopted = await adoptWork(client, session, work, { maxParallel: config.maxParallel, ...idle });
      if (adopted.kind === 'dropped')
        throw new CliError(`${work.workId} is not served: ${adopted.reason}`, 1);
      if (adopted.kind === 'adopted') {
        handle = adopted.handle;
        break;
      }
      if (performance.now() - began > PATIENCE_MS)
        throw new CliError(`no workflow took ${work.workId}: ${adopted.reason}; does a worker run?`, 1);
      await new Promise(resolve => setTimeout(resolve, 500));
    }
    if (flags.wait) return waitForEnd(handle, session, flags.json === true);
    process.stdout.write(
      flags.json ? `${JSON.stringify({ session, state: 'started' })}\n` : `adopted ${work.workId}\n`,
    );
  });
}

/** @throws CliError (2) naming the first value that is missing. */
async function claimOf(config: Config, flags: AdoptFlags): Promise<{ session: string; work: WorkItem }> {
  const { claimed, anthropic } = config;
  const workId = needed('--work-id', 'ANTHROPIC_WORK_ID', flags.workId ?? claimed.workId);
  const environmentId = needed(
    '--environment-id',
    'ANTHROPIC_ENVIRONMENT_ID',
    flags.environmentId ?? anthropic.environmentId,
  );
  const session = sessionId(
    needed('--session-id', 'ANTHROPIC_SESSION_ID', flags.sessionId ?? claimed.sessionId),
  );
  const secret = flags.workSecret ?? claimed.secret;
  const token = sessionsTokenFromSecret(secret);
  if (secret === undefined && anthropic.environmentKey === undefined)
    throw new CliError(
      'without a work secret its workers need the environment key: set ANTHROPIC_ENVIRONMENT_KEY',
      2,
    );
  if (secret !== undefined && token === null)
    process.stderr.write('holdfast: the work secret holds no sessions token; the environment key is used\n');
  const lastHeartbeat = flags.lastHeartbeat ?? claimed.lastHeartbeat;
  return {
    session,
    work: {
      ...{ environmentId, workId, claim: randomUUID(), acked: true },
      ...(token === null ? {} : { sealedToken: await sealed(config, token, session) }),
      ...(lastHeartbeat === undefined ? {} : { lastHeartbeat }),
    },
  };
}

async function sealed(config: Config, token: string, session: string): Promise<string> {
  const { current } = await loadKeyRing(config, true);
  if (current === undefined) throw new Error('a key is made where there is none');
  return createSealing(current).seal(token, session);
}

function needed(flag: string, variable: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new CliError(`${flag} is missing: pass it, or set ${variable}`, 2);
}
