/**
 * Files that are whole or absent, also after a power cut (I5): written under a temporary name, fsynced, renamed,
 * the folder fsynced.
 */
import { type FileHandle, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

let temporaries = 0;

/** Writes `text` durably; other folders whose entries must survive too (a new folder's parent) go in `alsoSync`. */
export async function writeDurably(
  path: string,
  text: string,
  alsoSync: readonly string[] = [],
): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryName(folder);
  await writeAndMove(temporary, path, text, file => file.sync());
  await Promise.all([folder, ...alsoSync].map(syncFolder));
}

/** Writes a whole file without waiting for the disk: for what may be lost with the machine. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeAndMove(temporaryName(dirname(path)), path, text, async () => {});
}

async function writeAndMove(
  temporary: string,
  path: string,
  text: string,
  finish: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await finish(file);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // On a full disk it is tried again and again: each try would leave a file (I11).
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * The JSON of a file, or undefined where there is none or it is torn: a half file is never taken for a whole one.
 * Rejects on any other failure, since an unreadable record must not look like an absent one (I4).
 */
export async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error;
  });
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

function temporaryName(folder: string): string {
  temporaries += 1;
  return join(folder, `.${process.pid}-${Date.now()}-${temporaries}.tmp`);
}
