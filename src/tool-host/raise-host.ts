/** Brings a session's tool host up where none may be attached to. Runs under the session's lock. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../failpoint.ts';
import { ToolHostClient } from './client.ts';
import { readJson, removeFile } from './durable-file.ts';
import type { HostConfig, HostRecord } from './host-config.ts';
import { hostId } from './host-id.ts';
import { createJournal, type IncarnationRecord, readIncarnation } from './journal.ts';
import { killIncarnation } from './leftovers.ts';
import { unmountMs } from './memory-rescue.ts';
import type { SessionPaths } from './paths.ts';
import { isAlive } from './processes.ts';
import type { Health } from './protocol.ts';
import { startHost } from './start-host.ts';
import { sessionGid } from './tool-user.ts';

/** Who answers on the session's socket. */
export type Found =
  | { readonly kind: 'alive'; readonly health: Health }
  | { readonly kind: 'silent'; readonly forMs: number }
  | { readonly kind: 'none' };

export interface RaiseOptions extends Omit<HostConfig, 'incarnation'> {
  readonly stateDir: string;
  readonly expected: string | undefined;
  readonly startMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Raised {
  readonly how: 'attached' | 'started' | 'restarted' | 'new';
  readonly notes: readonly string[];
}

const POLL_MS = 5;
/** How long a host that was asked to end may take; its close hooks are part of it. */
export const END_MS = 10_000;

export async function look(
  paths: SessionPaths,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const client = new ToolHostClient({ socketPath: paths.socket, incarnation: '' });
  try {
    const options = { timeoutMs, anyIncarnation: true, ...(signal === undefined ? {} : { signal }) };
    const answer = await client.health(options);
    if (answer.kind === 'health') return { kind: 'alive', health: answer };
    return answer.kind === 'silent' ? { kind: 'silent', forMs: timeoutMs } : { kind: 'none' };
  } finally {
    client.destroy();
  }
}

/** Starts a host on the expected journal, or on a new one. What stood in the way is killed and noted. */
export async function raise(options: RaiseOptions, found: Found): Promise<Raised> {
  const { paths, expected } = options;
  const record = readIncarnation(paths.journal);
  // A journal that came with a copy of the state folder from another machine may live on there (I4).
  const isOurs =
    record?.incarnation.startsWith(`${await hostId(options.stateDir)}.`) === true &&
    (expected === undefined || record.incarnation === expected || record.replaces === expected);
  return isOurs ? raiseAgain(options, found, record) : raiseNew(options, found, record);
}

/** For the session's record, when the incarnation that its history knows is not here. */
export function lostNote(expected: string): string {
  return (
    `The journal of incarnation ${expected} is not on this host: its shell, its running calls and the record of ` +
    'its calls are lost; a new incarnation was made.'
  );
}

export async function waitUntilGone(record: HostRecord | undefined, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (record !== undefined && isAlive(record)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function raiseAgain(options: RaiseOptions, found: Found, record: IncarnationRecord): Promise<Raised> {
  const { paths } = options;
  const { incarnation } = record;
  const notes: string[] = [];
  let how: Raised['how'] = 'restarted';
  if (found.kind === 'alive') {
    if (!(await endInOrder(paths, incarnation))) return { how: 'attached', notes };
    notes.push('The tool host was ended in order and started again with the present tools.');
  } else if (found.kind === 'silent') {
    notes.push(`The tool host did not answer for ${found.forMs} ms and was killed.`);
  } else if (existsSync(paths.hostRecord)) {
    notes.push('The tool host was dead; it was started again on its journal.');
  } else {
    how = 'started';
  }
  notes.push(...(await clear(options, incarnation)));
  await startHost({ ...options, incarnation }, options);
  return { how, notes };
}

async function raiseNew(
  options: RaiseOptions,
  found: Found,
  record: IncarnationRecord | undefined,
): Promise<Raised> {
  const { paths, expected, sessionId, stateDir } = options;
  const others = [
    expected,
    record?.incarnation,
    found.kind === 'alive' ? found.health.incarnation : undefined,
  ];
  const notes: string[] = [];
  for (const other of new Set(others)) {
    if (other !== undefined) notes.push(...(await clear(options, other)));
  }
  if (expected !== undefined) notes.push(lostNote(expected), filesNote(paths));
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  const incarnation = `${await hostId(stateDir)}.${randomBytes(12).toString('hex')}`;
  const replaces = expected === undefined ? {} : { replaces: expected };
  await createJournal(paths.journal, { incarnation, sessionId, createdAt: Date.now(), ...replaces });
  await failpoint('journal.made', sessionId);
  await startHost({ ...options, incarnation }, options);
  return { how: 'new', notes };
}

function filesNote(paths: SessionPaths): string {
  return existsSync(paths.workspace)
    ? 'The files of the workspace are still there.'
    : 'The files of the workspace are gone.';
}

/** @returns false when a call began meanwhile: then it stays. */
async function endInOrder(paths: SessionPaths, incarnation: string): Promise<boolean> {
  const record = await readJson<HostRecord>(paths.hostRecord);
  const client = new ToolHostClient({ socketPath: paths.socket, incarnation });
  try {
    const answer = await client.close(
      { graceMs: 0, killRunning: false },
      AbortSignal.timeout(END_MS + unmountMs(paths.journal)),
    );
    if (answer.kind === 'busy') return false;
  } catch {
    // It took too long: what follows kills it.
  } finally {
    client.destroy();
  }
  await waitUntilGone(record, END_MS);
  return true;
}

async function clear(options: RaiseOptions, incarnation: string): Promise<string[]> {
  const { paths, limits } = options;
  const { killed, survivors } = await killIncarnation(
    paths,
    incarnation,
    limits.killMs,
    await sessionGid(paths),
  );
  await removeFile(paths.hostRecord);
  await removeFile(paths.groups);
  await removeFile(paths.socket);
  return [
    ...(killed.length === 0
      ? []
      : [`Killed what incarnation ${incarnation} had left: ${killed.join(', ')}.`]),
    ...(survivors.length === 0 ? [] : [`Could not be killed: ${survivors.join(', ')}.`]),
  ];
}
