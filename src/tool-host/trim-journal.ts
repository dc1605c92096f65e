/**
 * Keeps a session's journal from growing without bound (I11). What may start or answer a call stays for as long as
 * the session's files do: `started.json` and `outcome.json` (I4, I5), and a large outcome's `content.json` until it is
 * delivered. The oldest of the rest goes: the output of calls that have ended, whose report needs it no more, and
 * contents that were delivered.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from './durable-file.ts';
import { folderName } from './paths.ts';

/** What one session's journal may keep beyond the records of its calls. */
export const JOURNAL_EXTRA_BYTES = 256 * 1024 * 1024;

interface Extra {
  readonly path: string;
  readonly bytes: number;
  readonly writtenAt: number;
}

/** @returns the bytes that were freed. May run while calls run: theirs are not touched. */
export async function trimJournal(journalFolder: string, limitBytes = JOURNAL_EXTRA_BYTES): Promise<number> {
  const calls = join(journalFolder, 'calls');
  const extras: Extra[] = [];
  for (const name of await readdir(calls).catch(() => []))
    extras.push(...(await extrasOf(join(calls, name))));
  extras.sort((a, b) => b.writtenAt - a.writtenAt);
  let kept = 0;
  let freed = 0;
  for (const { path, bytes } of extras) {
    if (kept + bytes <= limitBytes) kept += bytes;
    else {
      await removeFile(path);
      freed += bytes;
    }
  }
  return freed;
}

/** Trims a journal now and then while its session goes on. */
export class JournalGrowth {
  readonly #journal: string;
  readonly #limitBytes: number;
  #grown = 0;

  constructor(journalFolder: string, limitBytes = JOURNAL_EXTRA_BYTES) {
    this.#journal = journalFolder;
    this.#limitBytes = limitBytes;
  }

  /** A call has ended. Returns at once: nobody waits for room to be made. */
  ended(logPath: string, contentBytes: number): void {
    this.#ended(logPath, contentBytes).catch(error => console.error(`the journal was not trimmed: ${error}`));
  }

  async #ended(logPath: string, contentBytes: number): Promise<void> {
    this.#grown += contentBytes + ((await stat(logPath).catch(() => undefined))?.size ?? 0);
    if (this.#grown <= this.#limitBytes / 4) return;
    this.#grown = 0;
    await trimJournal(this.#journal, this.#limitBytes);
  }
}

/** After this the content may be dropped when room is needed. */
export async function markDelivered(journalFolder: string, callId: string): Promise<void> {
  await writeFile(join(journalFolder, 'calls', folderName(callId), 'delivered'), '').catch(() => {});
}

async function extrasOf(folder: string): Promise<Extra[]> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (!names.includes('outcome.json')) return [];
  const droppable = names.includes('delivered') ? ['output.log', 'content.json'] : ['output.log'];
  const found = await Promise.all(
    droppable.map(async name => {
      const path = join(folder, name);
      const stats = names.includes(name) ? await stat(path).catch(() => undefined) : undefined;
      return stats === undefined ? [] : [{ path, bytes: stats.size, writtenAt: stats.mtimeMs }];
    }),
  );
  return found.flat();
}
