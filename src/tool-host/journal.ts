/**
 * The journal decides whether a call may start (I4) and what it answered (I5): one folder per call, a start marker
 * that is durable before every start, an outcome that is durable before it is answered. `incarnation.json` is the
 * journal's birth certificate: whoever holds another incarnation has lost this one's past.
 */
import { createHash } from 'node:crypto';
import { readFileSync, type Stats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failpoint } from '../failpoint.ts';
import type { ContentBlock } from '../session/answers.ts';
import type { ToolOutcome } from '../session/outcome.ts';
import { isCode, readJson, syncFolder, writeDurably } from './durable-file.ts';
import { folderName } from './paths.ts';
import { JournalGrowth } from './trim-journal.ts';

export interface IncarnationRecord {
  readonly incarnation: string;
  readonly sessionId: string;
  readonly createdAt: number;
  /** The incarnation that was expected and not found when this one was made. */
  readonly replaces?: string;
}

/** `started.json`. */
export interface StartRecord {
  readonly name: string;
  readonly inputHash: string;
  /** The input on one line, for the report of a call whose end is unknown. */
  readonly input: string;
  readonly starts: number;
  /** Of the first start. */
  readonly startedAt: number;
  readonly hostPid: number;
  readonly bootId: string;
  /** Something of the call is there, but it cannot be read. */
  readonly damaged?: boolean;
}

type AnsweredOutcome = Extract<ToolOutcome, { kind: 'answered' }>;

/**
 * The record of a journal, or undefined when there is none. Throws when it cannot be told: a process without free
 * file descriptors must not take its journal for lost. Synchronous, as every request asks.
 */
export function readIncarnation(journalFolder: string): IncarnationRecord | undefined {
  let text: string;
  try {
    text = readFileSync(join(journalFolder, 'incarnation.json'), 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    const record: unknown = JSON.parse(text);
    return isIncarnation(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Makes a journal that appears whole or not at all. What stood in its place is removed. */
export async function createJournal(journalFolder: string, record: IncarnationRecord): Promise<void> {
  const fresh = `${journalFolder}.new-${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, 'calls'), { recursive: true, mode: 0o700 });
  await writeDurably(join(fresh, 'incarnation.json'), JSON.stringify(record));
  await rm(journalFolder, { recursive: true, force: true });
  await rename(fresh, journalFolder);
  await syncFolder(dirname(journalFolder));
}

export class Journal {
  readonly #calls: string;
  readonly #storedAboveBytes: number;
  readonly #growth: JournalGrowth;

  constructor(journalFolder: string, options: { readonly storedAboveBytes: number }) {
    this.#growth = new JournalGrowth(journalFolder);
    this.#calls = join(journalFolder, 'calls');
    this.#storedAboveBytes = options.storedAboveBytes;
  }

  logPath(callId: string): string {
    return join(this.#folder(callId), 'output.log');
  }

  /** Makes the call's folder. @returns false when it was there: the call has a past to be read. */
  async claim(callId: string): Promise<boolean> {
    try {
      await mkdir(this.#folder(callId), { mode: 0o700 });
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** The start marker. A damaged record still tells that the call was started: it must not start anew (I4). */
  async readStart(callId: string): Promise<StartRecord | undefined> {
    const folder = this.#folder(callId);
    const record = await readJson<StartRecord>(join(folder, 'started.json'));
    if (isStart(record)) return record;
    const traces = await Promise.all(STARTED_TRACES.map(name => statsOf(join(folder, name))));
    const trace = traces.find(stats => stats !== undefined);
    if (trace === undefined) return undefined;
    const startedAt = Math.round(trace.mtimeMs);
    const unread = { name: '', inputHash: '', input: '', hostPid: 0, bootId: '' };
    return { ...unread, starts: 1, startedAt, damaged: true };
  }

  /** Durable when it resolves: only then may the tool start (I4). */
  async recordStart(callId: string, record: StartRecord): Promise<void> {
    await writeDurably(join(this.#folder(callId), 'started.json'), JSON.stringify(record), [this.#calls]);
  }

  /** The outcome as it is answered: `stored` when its content is too large for a history. */
  async readOutcome(callId: string): Promise<ToolOutcome | undefined> {
    const outcome = await readJson<ToolOutcome>(join(this.#folder(callId), 'outcome.json'));
    return isOutcome(outcome) ? outcome : undefined;
  }

  /** The same, with the content of a `stored` one filled in. Undefined when that content is gone or damaged. */
  async readWholeOutcome(callId: string): Promise<ToolOutcome | undefined> {
    const outcome = await this.readOutcome(callId);
    if (outcome?.kind !== 'stored') return outcome;
    const contentJson = await readFile(join(this.#folder(callId), 'content.json'), 'utf8').catch(() => '');
    if (sha256(contentJson) !== outcome.sha256) return undefined;
    const { isError, startedAt, finishedAt, starts } = outcome;
    const content = JSON.parse(contentJson) as ContentBlock[];
    return { kind: 'answered', isError, content, startedAt, finishedAt, starts };
  }

  /** Makes an answer durable. @param contentJson the content as JSON; @returns the outcome to be answered (I5). */
  async recordAnswer(
    callId: string,
    answer: Omit<AnsweredOutcome, 'kind' | 'content'>,
    contentJson: string,
  ): Promise<ToolOutcome> {
    const bytes = Buffer.byteLength(contentJson);
    if (bytes <= this.#storedAboveBytes) {
      const content = JSON.parse(contentJson) as ContentBlock[];
      return this.recordOutcome(callId, { kind: 'answered', ...answer, content });
    }
    await writeDurably(join(this.#folder(callId), 'content.json'), contentJson);
    await failpoint('content.durable');
    return this.recordOutcome(callId, { kind: 'stored', ...answer, bytes, sha256: sha256(contentJson) });
  }

  /** Durable when it resolves: only then may it be answered (I5). */
  async recordOutcome(callId: string, outcome: ToolOutcome): Promise<ToolOutcome> {
    // A call that was started has had its folder's own entry synced with its start.
    const alsoSync = outcome.starts > 0 ? [] : [this.#calls];
    await writeDurably(join(this.#folder(callId), 'outcome.json'), JSON.stringify(outcome), alsoSync);
    this.#growth.ended(this.logPath(callId), outcome.kind === 'stored' ? outcome.bytes : 0);
    return outcome;
  }

  /** Up to `limit` bytes of the call's output from byte `from` on; empty where there is none. */
  async readLog(callId: string, from: number, limit: number): Promise<Buffer> {
    try {
      const file = await open(this.logPath(callId), 'r');
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(limit), 0, limit, from);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isCode(error, 'ENOENT')) return Buffer.alloc(0);
      throw error;
    }
  }

  /** The end of the call's output, and when it was last written to (Unix ms). */
  async readLogEnd(callId: string, bytes: number): Promise<{ text: string; writtenAt: number } | undefined> {
    const stats = await statsOf(this.logPath(callId));
    if (stats === undefined) return undefined;
    const end = await this.readLog(callId, Math.max(0, stats.size - bytes), bytes);
    return { text: end.toString('utf8'), writtenAt: Math.round(stats.mtimeMs) };
  }

  #folder(callId: string): string {
    return join(this.#calls, folderName(callId));
  }
}

/** What only a call that was started has: each alone tells so. */
const STARTED_TRACES = ['started.json', 'outcome.json', 'output.log', 'content.json'];

function isOutcome(outcome: ToolOutcome | undefined): outcome is ToolOutcome {
  return typeof outcome?.kind === 'string' && typeof outcome.starts === 'number';
}

function isStart(record: StartRecord | undefined): record is StartRecord {
  return typeof record?.starts === 'number' && typeof record.startedAt === 'number';
}

async function statsOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isIncarnation(record: unknown): record is IncarnationRecord {
  return (
    typeof record === 'object' &&
    record !== null &&
    'incarnation' in record &&
    typeof record.incarnation === 'string' &&
    'sessionId' in record &&
    typeof record.sessionId === 'string'
  );
}
