/**
 * What was done to a session outside its runs (a sweep, a host that ended itself, a removed workspace), kept until
 * the next run that opens the workspace takes it onto the session's record. Outlives the session's folder.
 */
import { appendFile, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFile } from './durable-file.ts';

/** More is not kept: a session that nobody runs cannot fill the disk with notes of it (I11). */
const LIMIT_BYTES = 64 * 1024;
const MOST_TOLD = 30;
const OLD_MS = 14 * 86_400_000;

/** One sentence. Never rejects: a full disk must not keep anybody from clearing up. */
export async function noteFor(paths: { readonly notes: string }, what: string): Promise<void> {
  try {
    await mkdir(dirname(paths.notes), { recursive: true, mode: 0o700 });
    const size = (await stat(paths.notes).catch(() => undefined))?.size ?? 0;
    if (size > LIMIT_BYTES) return;
    await appendFile(paths.notes, `${JSON.stringify({ at: new Date().toISOString(), what })}\n`, {
      mode: 0o600,
    });
  } catch (error) {
    console.error(`a note could not be written: ${what}: ${String(error)}`);
  }
}

/**
 * The notes since they were last taken, newest last. Those of an answer that may have been lost are told again.
 *
 * @param isRetry whether this is a further attempt at telling the same run.
 */
export async function takeNotes(paths: { readonly notes: string }, isRetry: boolean): Promise<string[]> {
  const told = `${paths.notes}.told`;
  if (!isRetry) await removeFile(told);
  let text = await read(told);
  if (text === '') {
    text = await read(paths.notes);
    if (text !== '') await rename(paths.notes, told);
  }
  return text
    .split('\n')
    .flatMap(line => sentence(line))
    .slice(-MOST_TOLD);
}

/** Removes notes that no run has asked for in a long time. */
export async function dropOldNotes(stateDir: string): Promise<void> {
  const folder = join(stateDir, 'notes');
  for (const name of await readdir(folder).catch(() => [])) {
    const writtenAt = (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - writtenAt > OLD_MS) await removeFile(join(folder, name));
  }
}

function sentence(line: string): string[] {
  try {
    const { at, what } = JSON.parse(line) as { at: string; what: string };
    return [`at ${at}: ${what}`];
  } catch {
    // A line that was cut off by a crash.
    return [];
  }
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
