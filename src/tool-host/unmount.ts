/** The end of a session's mounts, in the order of the SDK's worker: skills, the last sync, a flush, the folders. */
import type { SessionMemoryStores } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { errorText } from '../error-text.ts';

export interface Teardown {
  readonly removeSkills: () => Promise<void>;
  readonly stores: Pick<SessionMemoryStores, 'finish' | 'flushWrites' | 'dispose'> | undefined;
  /** What the last sync may take, and again the flush; milliseconds. */
  readonly boundMs: number;
  readonly warned: (line: string) => void;
  /** How often `warned` was called since the last sync began, also by the stores themselves. */
  readonly warnings: () => number;
}

/**
 * Whatever one step does, the next is taken. What could not be uploaded stays on the disk, where the session's next
 * tool host finds it (memory-rescue.ts).
 *
 * @returns whether the folders of the stores are gone.
 */
export async function tearDown(parts: Teardown): Promise<boolean> {
  const { removeSkills, stores, boundMs, warned, warnings } = parts;
  await removeSkills().catch(error => warned(`the skills were not removed: ${errorText(error)}`));
  if (stores === undefined) return true;
  if (!(await within(boundMs, stores.finish(), warned)))
    warned(`the last sync of the memory stores was cut off after ${boundMs / 1_000} s`);
  const bound = new AbortController();
  if (!(await within(boundMs, stores.flushWrites(bound.signal), warned))) {
    // It tells how much of each store was left.
    bound.abort();
    warned(`the flush of the memory stores was cut off after ${boundMs / 1_000} s`);
  }
  if (warnings() > 0) return false;
  await stores.dispose();
  return true;
}

/** @returns false when it took longer; the work goes on then, as nothing can end it. */
async function within(ms: number, work: Promise<void>, warned: (line: string) => void): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = work.then(
    () => true,
    error => {
      warned(errorText(error));
      return true;
    },
  );
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
