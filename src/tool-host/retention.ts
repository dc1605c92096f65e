/**
 * How long a session's workspace and journal are kept (§4, Ends; I11). A session whose workflow runs, whose host
 * lives, or whose workflow cannot be asked is never touched.
 */
import { rmdir, stat } from 'node:fs/promises';
import { errorText } from '../error-text.ts';
import { readJson, removeFile, replaceFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { type SessionPaths, sessionFolders, sessionPaths } from './paths.ts';
import { isAlive } from './processes.ts';
import { removeWorkspace } from './remove-workspace.ts';
import { readOwner, type SessionOwner } from './session-owner.ts';
import { tidySession } from './tidy.ts';
import { trimJournal } from './trim-journal.ts';

/** What Temporal knows of a session's newest run. */
export type LastRun =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'ended';
      /** By itself or by a cancellation: all it had to do is done. Else it may be started again and go on. */
      readonly inOrder: boolean;
      /** Unix ms of the server's clock. */
      readonly at: number;
      /** Whether the session itself has ended: terminated, deleted or archived. */
      readonly forGood: () => Promise<boolean>;
    }
  /** Its namespace's retention is over, or it never was. */
  | { readonly kind: 'forgotten' };

export interface Keep {
  /** Milliseconds after the session's last use; null: for ever. */
  readonly afterMs: number | null;
  /** Whether what belongs to a session that has ended for good goes at once. */
  readonly untilEnd: boolean;
  /** As it was written, for the record: `14d`. */
  readonly text: string;
}

export interface ExpireOptions {
  readonly stateDir: string;
  readonly keep: Keep;
  /** `houseTime`, which the stamps are in. */
  readonly time: number;
  /** Rejects when it cannot be told. */
  readonly lastRun: (sessionId: string) => Promise<LastRun>;
  readonly isOurs: (owner: SessionOwner) => boolean;
  /** Asked between two sessions. */
  readonly stopped?: () => boolean;
}

export interface ExpireReport {
  /** Ids of the sessions whose files were deleted. */
  readonly removed: readonly string[];
  /** Sessions of another Temporal namespace. */
  readonly foreign: number;
  /** What could not be deleted, and why. */
  readonly failed: readonly string[];
}

interface UnusedStamp {
  readonly since: number;
}

const BUSY_MS = 100;
const ABANDONED_MS = 600_000;

export async function expireWorkspaces(options: ExpireOptions): Promise<ExpireReport> {
  const removed: string[] = [];
  const failed: string[] = [];
  let foreign = 0;
  for (const folder of await sessionFolders(options.stateDir)) {
    if (options.stopped?.() === true) break;
    try {
      const owner = await readOwner(folder);
      const paths = owner && sessionPaths(options.stateDir, owner.sessionId);
      if (owner === undefined || paths?.folder !== folder) await removeAbandoned(folder);
      else if (!options.isOurs(owner)) foreign += 1;
      else if (await isOver(options, owner.sessionId, paths)) {
        const why = `kept for ${options.keep.text} (HOLDFAST_KEEP)`;
        const { stateDir } = options;
        if (await removeWorkspace({ stateDir, sessionId: owner.sessionId, why }))
          removed.push(owner.sessionId);
      }
    } catch (error) {
      failed.push(`${folder}: ${errorText(error)}`);
    }
  }
  return { removed, foreign, failed };
}

async function isOver(options: ExpireOptions, sessionId: string, paths: SessionPaths): Promise<boolean> {
  if (await isServed(paths)) return false;
  const unused = await readJson<UnusedStamp>(paths.unused);
  if (unused === undefined) return begins(options, sessionId, paths);
  const { afterMs } = options.keep;
  if (afterMs === null || options.time - unused.since <= afterMs) return false;
  const run = await options.lastRun(sessionId).catch(() => undefined);
  if (run === undefined) return false;
  if (run.kind === 'running') {
    await removeFile(paths.unused);
    return false;
  }
  // The stamp may be of an earlier end, where no run since has needed the workspace.
  return run.kind === 'forgotten' || Date.now() - run.at > afterMs;
}

/** The first sweep that finds a session unused clears up after it, and its time begins. */
async function begins(options: ExpireOptions, sessionId: string, paths: SessionPaths): Promise<boolean> {
  const run = await options.lastRun(sessionId).catch(() => undefined);
  if (run === undefined || run.kind === 'running') return false;
  try {
    await exclusively(paths.folder, BUSY_MS, async () => {
      if (await isServed(paths)) return;
      await tidySession(paths);
      await trimJournal(paths.journal);
      await replaceFile(paths.unused, JSON.stringify({ since: options.time } satisfies UnusedStamp));
    });
  } catch {
    // Somebody opens it right now, or the disk is full: the next sweep tells.
    return false;
  }
  return options.keep.untilEnd && run.kind === 'ended' && (await run.forGood().catch(() => false));
}

/** A folder that was made, and nothing in it: whoever opened the session died right then. */
async function removeAbandoned(folder: string): Promise<void> {
  const madeAt = (await stat(folder).catch(() => undefined))?.mtimeMs ?? Date.now();
  // One that holds anything stays: it does not tell whose it is, so nobody can be asked.
  if (Math.abs(Date.now() - madeAt) > ABANDONED_MS) await rmdir(folder).catch(() => {});
}

async function isServed(paths: SessionPaths): Promise<boolean> {
  const record = await readJson<HostRecord>(paths.hostRecord);
  return record !== undefined && isAlive(record);
}
