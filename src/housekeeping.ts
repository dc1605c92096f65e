/** What a worker does for its host besides its queues: it takes over what dead workers have left (§5, Orphans). */
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/worker';
import { failOrphans } from './activities/attempts.ts';
import { handOver } from './activities/cancellation.ts';
import { errorText } from './error-text.ts';

/** How often siblings are looked after (§5, Orphans). */
const ORPHANS_MS = 250;

/** Fails, again and again, what dead workers of this host have left; @returns the timer to clear. */
export function lookAfterOrphans(stateDir: string, client: Client, logger: Logger): NodeJS.Timeout {
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      const failed = await failOrphans(stateDir, {
        fail: token => client.activity.fail(token, handOver()),
        release: async workflowId => {
          const { namespace } = client.options;
          await client.workflowService.resetStickyTaskQueue({ namespace, execution: { workflowId } });
        },
      });
      if (failed > 0) logger.info(`took over ${failed} attempts of a dead worker`);
    } catch (error) {
      logger.warn(`could not look after dead workers: ${errorText(error)}`);
    } finally {
      busy = false;
    }
  };
  void look();
  return setInterval(look, ORPHANS_MS).unref();
}
