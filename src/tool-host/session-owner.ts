/** `session.json`: whose files a folder holds. Folders are named by a hash, and journals may be lost or half made. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson, writeDurably } from './durable-file.ts';
import { readIncarnation } from './journal.ts';
import type { SessionPaths } from './paths.ts';

export interface SessionOwner {
  readonly sessionId: string;
  /** Id of the Temporal namespace (not its name, nor the server's address, which change); absent: not known. */
  readonly namespaceId?: string | undefined;
}

/** Notes whose the folder is, which is made; under the session's lock. */
export async function recordOwner(paths: SessionPaths, owner: SessionOwner): Promise<void> {
  const known = await readJson<SessionOwner>(paths.owner);
  if (known?.sessionId === owner.sessionId && known.namespaceId === owner.namespaceId) return;
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  await writeDurably(paths.owner, JSON.stringify(owner));
}

/** Undefined where nothing in the folder tells. */
export async function readOwner(folder: string): Promise<SessionOwner | undefined> {
  const owner = await readJson<SessionOwner>(join(folder, 'session.json'));
  if (typeof owner?.sessionId === 'string') return owner;
  const record = readIncarnation(join(folder, 'journal'));
  return record === undefined ? undefined : { sessionId: record.sessionId };
}
