/**
 * The effects ledger: a file outside the workspace to which every tool appends one line for what it does to the
 * world. Lines, not posted results, tell what really ran: a result that is posted once may hide two runs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names the demo's folder to bash commands, and marks every process that the demo has started. */
export const FOLDER_VARIABLE = 'DEMO_FOLDER';

export function effectsFile(folder: string): string {
  return join(folder, 'effects');
}

/** The file that the long command makes when it begins. */
export function begunFile(folder: string): string {
  return join(folder, 'begun');
}

export function mailEffect(to: string): string {
  return `mail to ${to}`;
}

/** Shell words that append an effect. */
export function appendEffect(effect: string): string {
  return `echo '${effect}' >> "$${FOLDER_VARIABLE}/effects"`;
}

/** How often each effect took place. */
export async function readEffects(folder: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(effectsFile(folder), 'utf8').catch(() => '');
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}
