import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock, type LockHolder } from '../../src/dev/file-lock.ts';
import { processIdentity } from '../../src/dev/process-identity.ts';
import { runProgram, scratchFolder, until } from './fake-programs.ts';

const lines = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

async function take(folder: string, limitMs = 0) {
  const outcome = await acquireLock(folder, { limitMs });
  if (outcome.kind === 'busy') throw new Error(`held by ${outcome.holder.pid}`);
  return outcome.lock;
}

function forge(folder: string, holder: Partial<LockHolder>): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'held-7');
  writeFileSync(file, JSON.stringify({ pid: 1, identity: 'x', host: hostname(), since: 0, ...holder }));
  return file;
}

test('four processes that take the lock 40 times in turn are never inside together', async () => {
  const folder = scratchFolder();
  const [lock, file] = [join(folder, 'lock'), join(folder, 'notes')];
  const programs = [1, 2, 3, 4].map(() => runProgram('hold-lock', lock, file, '10'));
  for (const program of programs) expect(await program.ended).toMatchObject({ code: 0 });
  const notes = lines(file);
  expect(notes).toHaveLength(80);
  for (let i = 0; i < notes.length; i += 2) expect(notes[i + 1]).toBe(notes[i]?.replace('in', 'out'));
  expect(readdirSync(lock).sort()).toEqual(['free-40', 'held-40']);
});

test('a lock whose holder was killed goes to the one that waits', async () => {
  const folder = scratchFolder();
  const [lock, file] = [join(folder, 'lock'), join(folder, 'notes')];
  const holder = runProgram('hold-lock', lock, file, '0');
  await until(() => lines(file).length === 1, 'the holder');
  const seen: number[] = [];
  const waiting = acquireLock(lock, { limitMs: 60_000, onWait: ({ pid }) => seen.push(pid) });
  await until(() => seen.length > 0, 'the one that waits');
  expect(seen).toEqual([holder.pid]);
  holder.kill('SIGKILL');
  expect(await waiting).toMatchObject({ kind: 'held' });
});

test('a live holder is named to the one that does not want to wait', async () => {
  const lock = join(scratchFolder(), 'lock');
  const held = await take(lock);
  expect(await acquireLock(lock, { limitMs: 0 })).toMatchObject({
    kind: 'busy',
    holder: { pid: process.pid, identity: processIdentity(process.pid) },
  });
  await held.release();
  await (await take(lock)).release();
});

test('a process that merely got the pid of a dead holder does not hold its lock', async () => {
  const lock = join(scratchFolder(), 'lock');
  forge(lock, { pid: process.pid, identity: 'an earlier process' });
  await (await take(lock)).release();
});

test('a torn holder file holds nobody up', async () => {
  const lock = join(scratchFolder(), 'lock');
  writeFileSync(forge(lock, {}), '{"pid":');
  await (await take(lock)).release();
});

test('a holder on another machine counts as long as it touches its file, and no longer', async () => {
  const lock = join(scratchFolder(), 'lock');
  const file = forge(lock, { host: 'elsewhere.invalid' });
  const touching = setInterval(() => utimesSync(file, new Date(), new Date()), 20);
  try {
    expect(await acquireLock(lock, { limitMs: 1_500, silentMs: 1_000 })).toMatchObject({ kind: 'busy' });
  } finally {
    clearInterval(touching);
  }
  expect(await acquireLock(lock, { limitMs: 60_000, silentMs: 1_000 })).toMatchObject({ kind: 'held' });
});

test('waiting ends with its signal', async () => {
  const lock = join(scratchFolder(), 'lock');
  const held = await take(lock);
  const stop = new AbortController();
  const reason = new Error('enough');
  const waiting = acquireLock(lock, {
    limitMs: 60_000,
    signal: stop.signal,
    onWait: () => stop.abort(reason),
  });
  await expect(waiting).rejects.toBe(reason);
  await held.release();
});
