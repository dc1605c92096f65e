/**
 * `mounts.json` in the session's journal: which folders the session's mounts have made, and what of them is synced. The
 * host keeps it for the mounts thread, whose user may have no business in the journal. Folders are deleted on its
 * word, so no tool may write it.
 */
import { join } from 'node:path';
import { readJson, removeFile, replaceFile } from './durable-file.ts';

/** A store's folder on disk. */
export interface StoreFolder {
  readonly memoryStoreId: string;
  /** Absolute path. */
  readonly root: string;
}

/** What was on both sides at the last sync: content hashes by path within the store. */
export interface RecordedStore extends StoreFolder {
  readonly synced: Readonly<Record<string, string>>;
}

export interface MountRecord {
  readonly stores: readonly RecordedStore[];
}

export interface MountRecordKeeper {
  /** No stores where there is no record. */
  read(): Promise<MountRecord>;
  /** null: nothing is mounted any more. */
  write(record: MountRecord | null): Promise<void>;
}

export function mountRecordPath(journal: string): string {
  return join(journal, 'mounts.json');
}

export function mountRecordOf(journal: string): MountRecordKeeper {
  const path = mountRecordPath(journal);
  return {
    read: async () => (await readJson<MountRecord>(path)) ?? { stores: [] },
    write: record => (record === null ? removeFile(path) : replaceFile(path, JSON.stringify(record))),
  };
}
