/**
 * What a call's tool has written so far, read from the journal of this machine's state folder: while the tool runs, after
 * it has ended, and whether or not its tool host lives. Never through Temporal.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../error-text.ts';
import { printable } from '../printable.ts';
import { isCode } from './durable-file.ts';
import { knownHostId } from './host-id.ts';
import { folderName, sessionPaths } from './paths.ts';

export interface OutputRequest {
  readonly stateDir: string;
  readonly sessionId: string;
  readonly callId: string;
  /** The host that has the session's workspace, by the workflow's memo; null: none yet. */
  readonly host: string | null;
  /** The byte to begin at (0); negative: so many bytes before the end. */
  readonly from?: number;
  /** Bytes of one answer at most (64 kB, which is also the most). */
  readonly limit?: number;
}

export type CallOutput =
  | {
      readonly kind: 'output';
      /** Plain text: escape sequences, control characters and broken UTF-8 are taken out. */
      readonly text: string;
      /** The byte that `text` begins at, and the one to go on from. */
      readonly from: number;
      readonly next: number;
      /** How much of it is kept by now; 0 also where its log had to make room for those of newer calls. */
      readonly bytes: number;
      /** The call has ended, and `next` is the end of its output. */
      readonly complete: boolean;
    }
  /** Nothing to read here; `reason` says why, and what to do. */
  | {
      readonly kind: 'other-host' | 'no-call' | 'no-journal' | 'unreadable';
      readonly reason: string;
    };

export const OUTPUT_BYTES = 64 * 1024;
/** A character must fit. */
const LEAST_BYTES = 16;
const LINE_FEED = 0x0a;

/** @returns what can be read of it now; never throws. */
export async function readCallOutput(request: OutputRequest): Promise<CallOutput> {
  try {
    return await read(request);
  } catch (error) {
    const reason = `the output cannot be read: ${errorText(error)}`;
    const mend = isCode(error, 'EACCES') ? '; ask as the user whom the worker runs as' : '';
    return { kind: 'unreadable', reason: reason + mend };
  }
}

async function read(request: OutputRequest): Promise<CallOutput> {
  const { stateDir, sessionId, callId, host } = request;
  const here = await knownHostId(stateDir);
  if (host !== null && host !== here) return elsewhere(request, here);
  const { journal } = sessionPaths(stateDir, sessionId);
  const folder = join(journal, 'calls', folderName(callId));
  // Before the output: where it has ended by now, no more is to come of it.
  const ended = await isThere(join(folder, 'outcome.json'));
  const file = await open(join(folder, 'output.log'), 'r').catch(absent);
  if (file === undefined) {
    if (!(await isThere(journal))) return noJournal(request);
    if (!(await isThere(folder)))
      return {
        kind: 'no-call',
        reason: `${callId} has not been started on this machine, so it has no output`,
      };
    return { kind: 'output', text: '', from: 0, next: 0, bytes: 0, complete: ended };
  }
  try {
    return await readFrom(file, request, ended);
  } finally {
    await file.close();
  }
}

async function readFrom(file: FileHandle, request: OutputRequest, ended: boolean): Promise<CallOutput> {
  const bytes = (await file.stat()).size;
  const { from: asked = 0, limit = OUTPUT_BYTES } = request;
  const from = Math.min(bytes, asked < 0 ? Math.max(0, bytes + asked) : asked);
  const room = Buffer.alloc(Math.min(OUTPUT_BYTES, Math.max(LEAST_BYTES, limit)));
  const { bytesRead } = await file.read(room, 0, room.length, from);
  const chunk = room.subarray(0, bytesRead);
  const isLast = from + bytesRead >= bytes;
  const whole = isLast && ended ? chunk : chunk.subarray(0, wholeLength(chunk, isLast));
  const next = from + whole.length;
  const text = printable(whole.subarray(from === 0 ? 0 : strayLength(whole)).toString('utf8'));
  return { kind: 'output', text, from, next, bytes, complete: ended && next >= bytes };
}

/** How much of it can be told now: not half a character, and no half line where more is there already. */
function wholeLength(chunk: Buffer, isLast: boolean): number {
  const line = isLast ? -1 : chunk.lastIndexOf(LINE_FEED);
  if (line >= 0) return line + 1;
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0)
      return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? chunk.length - back : chunk.length;
  }
  return chunk.length;
}

/** The rest of a character that begins before it. */
function strayLength(chunk: Buffer): number {
  const first = chunk.subarray(0, 3).findIndex(byte => (byte & 0xc0) !== 0x80);
  return first === -1 ? Math.min(3, chunk.length) : first;
}

function elsewhere({ host, stateDir }: OutputRequest, here: string | undefined): CallOutput {
  const where =
    here === undefined
      ? `nothing has run in the state folder ${stateDir} of this one`
      : `this one is ${here}`;
  const reason =
    `the session’s tools run on the machine with the host id ${host}, and ${where}: ` +
    'ask there, with the HOLDFAST_STATE_DIR of its worker';
  return { kind: 'other-host', reason };
}

function noJournal({ host, sessionId, stateDir }: OutputRequest): CallOutput {
  const reason =
    host === null
      ? `no tool of ${sessionId} has been started yet`
      : `the journal of ${sessionId} is not in ${stateDir} any more: it goes with its workspace (HOLDFAST_KEEP)`;
  return { kind: 'no-journal', reason };
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(absent)) !== undefined;
}

/** Whatever else keeps a file from being read must not look like its absence. */
function absent(error: unknown): undefined {
  if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
  throw error;
}
