/**
 * The worker's sweep of its host (§4, Ends; I11): it ends tool hosts that no session wants, clears up after dead
 * ones, and deletes what is kept no longer. At the worker's start, and regularly.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/worker';
import { errorText } from './error-text.ts';
import { createLastRun } from './last-run.ts';
import { dropOldReservations } from './tool-host/admission.ts';
import { lowDiskSpace } from './tool-host/disk-space.ts';
import { exclusively } from './tool-host/exclusive.ts';
import { houseTime } from './tool-host/house-clock.ts';
import { readIncarnation } from './tool-host/journal.ts';
import { runFolder, sessionPaths } from './tool-host/paths.ts';
import { expireWorkspaces, type Keep, type LastRun } from './tool-host/retention.ts';
import { dropOldNotes } from './tool-host/session-notes.ts';
import type { SessionOwner } from './tool-host/session-owner.ts';
import { listLiveHosts, sweepHosts } from './tool-host/sweep.ts';
import { tidyStateFolder } from './tool-host/tidy.ts';
import { isWanted } from './wanted-hosts.ts';

export interface SweepingOptions {
  readonly stateDir: string;
  readonly client: Client;
  readonly logger: Logger;
  readonly keep: Keep;
  /** Milliseconds between two sweeps; 0: only the one at the start. */
  readonly everyMs: number;
  /** A running call of a run that was ended from outside is left alone until nobody has asked for it for so long. */
  readonly abandonedMs: number;
  /** Sessions of other namespaces are not ours to ask about; undefined: all are taken for ours. */
  readonly namespaceId: string | undefined;
  /** Told after each sweep which sessions have a host that lives. */
  readonly onSwept: (live: ReadonlySet<string>) => void;
}

export interface Sweeping {
  /** No sweep begins any more, and the one under way ends with the session it is at. */
  stop(): void;
}

/** Whoever waits for a call asks again every second: with a call that nobody asks for, nobody is there. */
const QUIET_MS = 5_000;
const BUSY_MS = 100;
/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export function sweepRegularly(options: SweepingOptions): Sweeping {
  let stopped = false;
  let foreign = 0;
  let busy = false;
  const sweep = async () => {
    if (busy) return;
    busy = true;
    try {
      // A sibling that sweeps right now does it for us.
      const { stateDir } = options;
      await exclusively(`${runFolder(stateDir)}/sweep`, BUSY_MS, async () => {
        foreign = await sweepOnce(options, foreign, () => stopped);
      });
    } catch (error) {
      options.logger.debug(`could not sweep: ${errorText(error)}`);
    } finally {
      busy = false;
    }
  };
  void sweep();
  const everyMs = Math.min(options.everyMs, LONGEST_TIMER_MS);
  const timer = everyMs > 0 ? setInterval(sweep, everyMs).unref() : undefined;
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

/** Each part for itself: a disk that is full must not keep hosts from being ended. */
async function sweepOnce(
  options: SweepingOptions,
  foreignBefore: number,
  stopped: () => boolean,
): Promise<number> {
  const { stateDir, logger, client, keep, namespaceId, onSwept } = options;
  const lastRun = createLastRun(client);
  const isOurs = (owner: SessionOwner) =>
    owner.namespaceId === undefined || namespaceId === undefined || owner.namespaceId === namespaceId;
  let foreign = foreignBefore;
  const part = async (what: string, work: () => Promise<void>) => {
    if (stopped()) return;
    await work().catch(error => logger.warn(`could not sweep ${what}: ${errorText(error)}`));
  };
  await part('tool hosts', async () => {
    const mayKill = async (sessionId: string, quietMs: number) =>
      quietMs > (isDone(await lastRun(sessionId)) ? QUIET_MS : options.abandonedMs);
    const wanted = isWanted(client, replacedBy(stateDir));
    const report = await sweepHosts({ stateDir, isWanted: wanted, mayKill, isOurs });
    for (const { sessionId } of report.closed) logger.info(`sweep: closed the tool host of ${sessionId}`);
    for (const what of report.killed) logger.info(`sweep: killed ${what}`);
    for (const what of report.survivors) logger.warn(`sweep: could not end ${what}`);
    onSwept(new Set((await listLiveHosts(stateDir)).map(host => host.sessionId)));
  });
  await part('leftovers', async () => {
    await dropOldReservations(stateDir);
    await dropOldNotes(stateDir);
    await tidyStateFolder(stateDir);
  });
  await part('workspaces', async () => {
    const time = await houseTime(stateDir);
    const report = await expireWorkspaces({ stateDir, keep, time, lastRun, isOurs, stopped });
    for (const id of report.removed) logger.info(`sweep: removed the workspace and the journal of ${id}`);
    for (const what of report.failed) logger.warn(`sweep: could not remove ${what}`);
    if (report.foreign > foreign)
      logger.warn(
        `${report.foreign} folders in ${stateDir}/sessions belong to another Temporal namespace: their sessions ` +
          'cannot be asked for, and are left alone until they are removed by hand; give each deployment its own ' +
          'HOLDFAST_STATE_DIR',
      );
    foreign = report.foreign;
  });
  await part('disk', async () => {
    const low = await lowDiskSpace(stateDir);
    if (low !== undefined)
      logger.warn(
        `the disk of ${stateDir} is nearly full: ${megabytes(low.freeBytes)} of ${megabytes(low.totalBytes)} MB ` +
          'are free; calls cannot be recorded without room (HOLDFAST_KEEP says how long workspaces are kept)',
      );
  });
  return foreign;
}

/** Also a run that goes on: a host that it does not want belongs to another incarnation. */
function isDone(run: LastRun): boolean {
  return run.kind === 'running' || (run.kind === 'ended' && run.inOrder);
}

function replacedBy(stateDir: string) {
  return (sessionId: string, incarnation: string) => {
    const record = readIncarnation(sessionPaths(stateDir, sessionId).journal);
    return record?.incarnation === incarnation ? record.replaces : undefined;
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
