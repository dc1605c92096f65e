/**
 * Edits in memory stores that a dead tool host had not synced. The SDK refuses a store's folder that exists, since it
 * may be anybody's; one of ours is told by the record in the session's journal, put aside, and what changed in it
 * since the last sync is laid over the fresh download, for the next sync to upload. Changed on both sides: the
 * server's version stays, as in the SDK's own syncs.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { readJson, removeFile, replaceFile } from './durable-file.ts';

/** A store's folder on disk. */
export interface StoreFolder {
  readonly memoryStoreId: string;
  /** Absolute path. */
  readonly root: string;
}

/** What was on both sides at the last sync: content hashes by path within the store. */
interface RecordedStore extends StoreFolder {
  readonly synced: Readonly<Record<string, string>>;
}

interface MountRecord {
  readonly stores: readonly RecordedStore[];
}

export function mountRecordPath(journal: string): string {
  return join(journal, 'mounts.json');
}

/** What the last sync may take when a host is ended: the mounts thread bounds it and its flush at 30 s each. */
const UNMOUNT_MS = 65_000;

/** How much longer a host may take to end because of its memory stores, in milliseconds. */
export function unmountMs(journal: string): number {
  return existsSync(mountRecordPath(journal)) ? UNMOUNT_MS : 0;
}

/** Records what stands in the folders now as synced. To be called only when a sync has ended without a warning. */
export async function recordSynced(journal: string, stores: readonly StoreFolder[]): Promise<void> {
  const recorded = await Promise.all(
    stores.map(async store => ({ ...store, synced: await hashesIn(store.root) })),
  );
  await replaceFile(mountRecordPath(journal), JSON.stringify({ stores: recorded } satisfies MountRecord));
}

export async function forgetMounts(journal: string): Promise<void> {
  await removeFile(mountRecordPath(journal));
}

/** Removes what a session's mounts have left outside its folder. */
export async function removeMounts(journal: string): Promise<void> {
  for (const { root } of await recorded(journal))
    for (const folder of [root, aside(root), doneWith(root)])
      await rm(folder, { recursive: true, force: true });
}

/**
 * Clears the way for a download: folders of ours that a dead host left are put aside, next to where they stood. Those
 * to come are recorded before they are made; one that stands there and is not ours is left for the SDK to refuse.
 */
export async function putAside(journal: string, wanted: readonly StoreFolder[]): Promise<void> {
  const known = await recorded(journal);
  for (const { root } of known) {
    await rm(doneWith(root), { recursive: true, force: true });
    if (!existsSync(root)) continue;
    // Both: the host died between its download and the end of the rescue, so no tool has seen the download.
    if (existsSync(aside(root))) await rm(root, { recursive: true, force: true });
    else await rename(root, aside(root));
  }
  const isNew = ({ root }: StoreFolder) => !existsSync(root) && known.every(store => store.root !== root);
  const stores = [...known, ...wanted.filter(isNew).map(store => ({ ...store, synced: {} }))];
  await replaceFile(mountRecordPath(journal), JSON.stringify({ stores } satisfies MountRecord));
}

/**
 * Lays the unsynced edits over what was just downloaded.
 *
 * @returns sentences for the session's record.
 */
export async function rescue(journal: string, downloaded: readonly StoreFolder[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { root, memoryStoreId, synced } of await recorded(journal)) {
    if (!existsSync(aside(root))) continue;
    const isMounted = downloaded.some(store => store.root === root && store.memoryStoreId === memoryStoreId);
    if (isMounted) notes.push(...(await layOver(root, synced, memoryStoreId)));
    else
      notes.push(`The memory store ${memoryStoreId} is not attached any more: its unsynced edits are gone.`);
    // One step, so that a host that dies here neither repeats a rescue on newer files nor forgets it.
    await rename(aside(root), doneWith(root));
    await rm(doneWith(root), { recursive: true, force: true });
  }
  return notes;
}

async function layOver(
  root: string,
  synced: Readonly<Record<string, string>>,
  memoryStoreId: string,
): Promise<string[]> {
  const [mine, theirs] = await Promise.all([hashesIn(aside(root)), hashesIn(root)]);
  const saved: string[] = [];
  const lost: string[] = [];
  for (const path of new Set([...Object.keys(mine), ...Object.keys(synced)])) {
    if (mine[path] === synced[path] || mine[path] === theirs[path]) continue;
    if (theirs[path] !== synced[path]) {
      lost.push(path);
    } else if (mine[path] === undefined) {
      await rm(join(root, path), { force: true });
      saved.push(path);
    } else {
      await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o700 });
      await copyFile(join(aside(root), path), join(root, path));
      saved.push(path);
    }
  }
  const name = `of memory store ${memoryStoreId}`;
  return [
    ...(saved.length === 0 ? [] : [`Kept unsynced edits ${name}: ${some(saved)}.`]),
    ...(lost.length === 0 ? [] : [`Dropped edits ${name} that the server had changed too: ${some(lost)}.`]),
  ];
}

async function recorded(journal: string): Promise<readonly RecordedStore[]> {
  return (await readJson<MountRecord>(mountRecordPath(journal)))?.stores ?? [];
}

async function hashesIn(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const hashes: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes !== undefined) hashes[relative(root, file)] = createHash('sha256').update(bytes).digest('hex');
  }
  return hashes;
}

function aside(root: string): string {
  return `${root}.holdfast-unsynced`;
}

function doneWith(root: string): string {
  return `${root}.holdfast-done`;
}

const NAMED = 5;

function some(paths: readonly string[]): string {
  const rest = paths.length - NAMED;
  return paths.slice(0, NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
