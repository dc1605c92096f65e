/**
 * A lock between processes, held by a live process and by nothing else: when its holder is dead the next one takes it.
 *
 * The folder holds numbered files: `held-N`, and beside it `free-N` once N was released. To acquire is to create
 * `held-(N+1)` where N is the highest number there and is free or its holder is dead. Creation fails if the name
 * exists, so one of several contenders wins; the highest number is never deleted, so one that was slow and creates a
 * lower number sees that and steps back. Locks that delete and create one single name let two in exactly there.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './process-identity.ts';

export interface LockHolder {
  readonly pid: number;
  readonly identity: string;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface FileLock {
  release(): Promise<void>;
}

export type LockOutcome =
  | { readonly kind: 'held'; readonly lock: FileLock }
  | { readonly kind: 'busy'; readonly holder: LockHolder };

export interface LockOptions {
  /** How long to wait for a live holder, ms; 0 answers at once. */
  readonly limitMs: number;
  /** Told each time another holder is found to be in the way. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly signal?: AbortSignal;
  /** A holder on another machine that gives no sign of life for so long is taken for dead, ms. Default 30 s. */
  readonly silentMs?: number;
}

const pollMs = 200;
/** A holder touches its file this often. */
const touchMs = 2_000;

interface Generation {
  readonly number: number;
  readonly free: boolean;
}

/** undefined: nobody ever held this lock. */
async function highest(folder: string): Promise<Generation | undefined> {
  const names = await readdir(folder);
  const numbers = names.flatMap(name => /^held-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  if (numbers.length === 0) return undefined;
  const number = Math.max(...numbers);
  return { number, free: names.includes(`free-${number}`) };
}

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Takes the lock of `folder`, which is created. @throws the file system's error when the folder cannot be written. */
export async function acquireLock(folder: string, options: LockOptions): Promise<LockOutcome> {
  // Whose parents it makes as well: the state folder may be one of them.
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const deadline = performance.now() + options.limitMs;
  const touches: Touches = new Map();
  const silentMs = options.silentMs ?? 30_000;
  let told: number | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    const last = await highest(folder);
    const holder = last && !last.free ? await liveHolder(folder, last.number, touches, silentMs) : undefined;
    if (holder === undefined) {
      const number = (last?.number ?? 0) + 1;
      if (await create(folder, number)) return { kind: 'held', lock: keep(folder, number) };
      continue;
    }
    if (performance.now() >= deadline) return { kind: 'busy', holder };
    if (told !== last?.number) options.onWait?.(holder);
    told = last?.number;
    await sleep(pollMs);
  }
}

/** When each generation's file was last seen to change, on this process's clock. */
type Touches = Map<number, { readonly mtime: number; readonly at: number }>;

async function liveHolder(
  folder: string,
  number: number,
  touches: Touches,
  silentMs: number,
): Promise<LockHolder | undefined> {
  const path = join(folder, `held-${number}`);
  let holder: LockHolder;
  try {
    holder = JSON.parse(await readFile(path, 'utf8')) as LockHolder;
  } catch (error) {
    // Taken over meanwhile; anything else that cannot be read has no holder that could be waited for.
    if (!isGone(error) && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  if (holder.host === hostname()) {
    return processIdentity(holder.pid) === holder.identity ? holder : undefined;
  }
  // Another machine's pid means nothing here, and its clock need not be ours: watch for a change instead.
  const mtime = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  const last = touches.get(number);
  if (last?.mtime !== mtime) touches.set(number, { mtime, at: performance.now() });
  else if (performance.now() - last.at > silentMs) return undefined;
  return holder;
}

async function create(folder: string, number: number): Promise<boolean> {
  const identity = processIdentity(process.pid) ?? randomUUID();
  const holder: LockHolder = { pid: process.pid, identity, host: hostname(), since: Date.now() };
  const written = join(folder, `new-${randomUUID()}`);
  const name = `held-${number}`;
  await writeFile(written, JSON.stringify(holder));
  try {
    // link() creates the name with its whole content, and fails where the name exists.
    await link(written, join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(written, { force: true });
  }
  const winner = (await highest(folder))?.number === number;
  for (const other of await readdir(folder)) {
    const generation = Number(/^(?:held|free)-(\d+)$/.exec(other)?.[1] ?? Number.POSITIVE_INFINITY);
    if (winner ? generation < number : generation === number) await rm(join(folder, other), { force: true });
  }
  return winner;
}

function keep(folder: string, number: number): FileLock {
  const path = join(folder, `held-${number}`);
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, touchMs).unref();
  return {
    release: async () => {
      clearInterval(timer);
      // A folder that was deleted meanwhile holds nobody up.
      await writeFile(join(folder, `free-${number}`), '').catch(error => {
        if (!isGone(error)) throw error;
      });
    },
  };
}
