/** Gives a worker the intake of its environment's work queue, where it is configured for one. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Logger } from '@temporalio/worker';
import type { WorkQueue } from './anthropic/work-queue.ts';
import type { Config } from './config.ts';
import { adoptWork } from './intake/adopt.ts';
import { type Intake, startIntake } from './intake.ts';
import type { Sealing } from './sealing.ts';
import type { runSession } from './workflows/run-session.ts';

export interface IntakeFlags {
  /** Ends the worker when the queue is empty and the sessions of its items are over. */
  readonly drain?: boolean;
  /** Milliseconds without an event after which a session that the queue started ends; 0 never; absent: the standard. */
  readonly maxIdleMs?: number;
  /** Claims that were not acknowledged for so many ms are taken over; absent: as the API has it. */
  readonly reclaimOlderThanMs?: number;
}

/** @returns undefined where the configuration names no environment. */
export function intakeOf(
  config: Config,
  parts: { readonly client: Client; readonly workQueue: WorkQueue; readonly sealing: Sealing | undefined },
  logger: Logger,
  flags: IntakeFlags,
): Intake | undefined {
  const { environmentId } = config.anthropic;
  const { client, workQueue: queue, sealing } = parts;
  if (environmentId === undefined || sealing === undefined) return undefined;
  const { maxParallel, approvalDeadlineMs, notices } = config;
  const { drain = false, maxIdleMs, reclaimOlderThanMs = null } = flags;
  const idle = maxIdleMs === undefined ? {} : { maxIdleMs };
  const { stuckAfterMs } = notices;
  const options = { maxParallel, approvalDeadlineMs, stuckAfterMs, ...idle };
  return startIntake({
    environmentId,
    queue,
    drain,
    poll: { reclaimOlderThanMs },
    adopt: async (sessionId, work) => {
      const adopted = await adoptWork(client, sessionId, work, options);
      return adopted.kind === 'adopted' ? { kind: 'adopted', ended: () => endOf(adopted.handle) } : adopted;
    },
    seal: sealing.seal,
    log: { info: line => logger.info(line), warn: line => logger.warn(line) },
  });
}

async function endOf(run: WorkflowHandle<typeof runSession>): Promise<void> {
  const nothing = () => undefined;
  await run.result().then(nothing, nothing);
}
