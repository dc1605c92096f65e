/** What a worker does for its host besides its queues: it clears up after workers and sessions that are gone. */
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/worker';
import { failOrphans } from './activities/attempts.ts';
import { handOver } from './activities/cancellation.ts';
import { sweepHosts } from './tool-host/sweep.ts';
import { isWanted } from './wanted-hosts.ts';

/** How often siblings are looked after (§5, Orphans). */
const ORPHANS_MS = 250;

/** Fails, again and again, what dead workers of this host have left; @returns the timer to clear. */
export function lookAfterOrphans(stateDir: string, client: Client, logger: Logger): NodeJS.Timeout {
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      const failed = await failOrphans(stateDir, async token => {
        await client.activity.fail(token, handOver());
      });
      if (failed > 0) logger.info(`took over ${failed} attempts of a dead worker`);
    } catch (error) {
      logger.warn(`could not look after dead workers: ${reason(error)}`);
    } finally {
      busy = false;
    }
  };
  void look();
  return setInterval(look, ORPHANS_MS).unref();
}

/** Ends tool hosts that no session wants any more (§4, Ends). */
export async function sweep(stateDir: string, client: Client, logger: Logger): Promise<void> {
  try {
    const report = await sweepHosts({ stateDir, isWanted: isWanted(client) });
    for (const { sessionId } of report.closed) logger.info(`sweep: closed the tool host of ${sessionId}`);
    for (const what of report.killed) logger.info(`sweep: killed ${what}`);
    for (const what of report.survivors) logger.warn(`sweep: could not end ${what}`);
  } catch (error) {
    logger.warn(`could not sweep tool hosts: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
