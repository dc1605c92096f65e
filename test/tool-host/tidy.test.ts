import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkStateDir } from '../../src/tool-host/paths.ts';
import { noteFor, takeNotes } from '../../src/tool-host/session-notes.ts';
import { tidyStateFolder } from '../../src/tool-host/tidy.ts';
import { until, useHosts } from './hosts.ts';

const hosts = useHosts();

/** A socket as a process that was killed leaves it: bound by nobody. */
async function deadSocket(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const script = 'require("net").createServer().listen(process.argv[1]);setInterval(()=>{},1e3)';
  const child = spawn(process.execPath, ['-e', script, path], { stdio: 'ignore' });
  await until('the socket is there', () => existsSync(path) || undefined);
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

describe('tidying a state folder', () => {
  test('takes what dead processes have left, and nothing that is in use or in the making', async () => {
    const { stateDir } = hosts;
    await checkStateDir(stateDir);
    const opened = await hosts.open();
    const run = (name: string) => join(stateDir, 'run', name);
    await deadSocket(run('0123456789abcdef.sock'));
    const live = createServer();
    await new Promise<void>(resolve => live.listen(run('fedcba9876543210.sock'), resolve));
    const old = join(stateDir, '.99999-1-1.tmp');
    const young = join(stateDir, '.99999-1-2.tmp');
    for (const path of [old, young]) await writeFile(path, '');
    await utimes(old, 1, 1);
    const removing = join(stateDir, 'sessions', '.removed-abc');
    await mkdir(join(removing, 'workspace'), { recursive: true });
    await tidyStateFolder(stateDir);
    const paths = [run('0123456789abcdef.sock'), old, removing];
    expect(paths.filter(existsSync)).toEqual([]);
    const kept = [run('fedcba9876543210.sock'), young, opened.socketPath, hosts.paths().folder];
    expect(kept.filter(path => !existsSync(path))).toEqual([]);
    await new Promise(resolve => live.close(resolve));
  });
});

describe('what was done to a session outside its runs', () => {
  test('is told to the next run, again when that one may not have heard it, and then no more', async () => {
    const paths = hosts.paths();
    await noteFor(paths, 'first');
    await noteFor(paths, 'second');
    const both = [expect.stringMatching(/^at 2.*: first$/), expect.stringMatching(/: second$/)];
    expect(await takeNotes(paths, false)).toEqual(both);
    await noteFor(paths, 'third');
    expect(await takeNotes(paths, true)).toEqual(both);
    expect(await takeNotes(paths, false)).toEqual([expect.stringMatching(/: third$/)]);
    expect(await takeNotes(paths, false)).toEqual([]);
  });

  test('does not fill the disk', async () => {
    const paths = hosts.paths();
    for (let i = 0; i < 100; i++) await noteFor(paths, 'x'.repeat(1_000));
    expect((await takeNotes(paths, false)).length).toBe(30);
  });

  test('is readable also after a crash in the middle of a line', async () => {
    const paths = hosts.paths();
    await noteFor(paths, 'whole');
    await writeFile(paths.notes, '{"at":"2026', { flag: 'a' });
    expect(await takeNotes(paths, false)).toEqual([expect.stringMatching(/: whole$/)]);
  });
});
