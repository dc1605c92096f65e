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
import { type MountRecordKeeper, mountRecordOf, mountRecordPath, type StoreFolder } from './mount-record.ts';

/** What the last sync may take when a host is ended: the mounts thread bounds it and its flush at 30 s each. */
const UNMOUNT_MS = 65_000;

/** How much longer a host may take to end because of its memory stores, in milliseconds. */
export function unmountMs(journal: string): number {
  return existsSync(mountRecordPath(journal)) ? UNMOUNT_MS : 0;
}

/** Records what stands in the folders now as synced. To be called only when a sync has ended without a warning. */
export async function recordSynced(record: MountRecordKeeper, stores: readonly StoreFolder[]): Promise<void> {
  const recorded = await Promise.all(
    stores.map(async store => ({ ...store, synced: await hashesIn(store.root) })),
  );
  await record.write({ stores: recorded });
}

/** What a session's mounts may have left, also outside its folder. */
export async function foldersOfMounts(journal: string): Promise<string[]> {
  const { stores } = await mountRecordOf(journal).read();
  return stores.flatMap(({ root }) => [root, aside(root), doneWith(root)]);
}

/**
 * Clears the way for a download: folders of ours that a dead host left are put aside, next to where they stood. Those
 * to come are recorded before they are made; one that stands there and is not ours is left for the SDK to refuse.
 */
export async function putAside(record: MountRecordKeeper, wanted: readonly StoreFolder[]): Promise<void> {
  const { stores: known } = await record.read();
  for (const { root } of known) {
    await rm(doneWith(root), { recursive: true, force: true });
    if (!existsSync(root)) continue;
    // Both: the host died between its download and the end of the rescue, so no tool has seen the download.
    if (existsSync(aside(root))) await rm(root, { recursive: true, force: true });
    else await rename(root, aside(root));
  }
  const isNew = ({ root }: StoreFolder) => !existsSync(root) && known.every(store => store.root !== root);
  const stores = [...known, ...wanted.filter(isNew).map(store => ({ ...store, synced: {} }))];
  await record.write({ stores });
}

/**
 * Lays the unsynced edits over what was just downloaded.
 *
 * @returns sentences for the session's record.
 */
export async function rescue(
  record: MountRecordKeeper,
  downloaded: readonly StoreFolder[],
): Promise<string[]> {
  const notes: string[] = [];
  for (const { root, memoryStoreId, synced } of (await record.read()).stores) {
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
