/** When the demo's runner is killed. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { begunFile } from './effects.ts';

const POLL_MS = 20;
/** Into the long command, of 4 s: early enough that its rest outlasts the kill by far. */
const INTO_COMMAND_MS = 1_000;

/**
 * Resolves when the long command has been running for a while, or so many ms after the call.
 *
 * @param afterMs instead of waiting for the command.
 * @throws the signal's reason.
 */
export async function untilTheMoment(
  folder: string,
  afterMs: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (afterMs !== undefined) {
    await sleep(afterMs, undefined, { signal });
    return;
  }
  while (!existsSync(begunFile(folder))) await sleep(POLL_MS, undefined, { signal });
  await sleep(INTO_COMMAND_MS, undefined, { signal });
}
