import { readFileSync } from 'node:fs';
import { cp, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { admit, dropOldReservations, release } from '../../src/tool-host/admission.ts';
import { exclusively } from '../../src/tool-host/exclusive.ts';
import { hostId } from '../../src/tool-host/host-id.ts';
import { checkStateDir, folderName, sessionPaths } from '../../src/tool-host/paths.ts';
import { removeWorkspace } from '../../src/tool-host/remove-workspace.ts';
import { takeNotes } from '../../src/tool-host/session-notes.ts';
import { sweepHosts } from '../../src/tool-host/sweep.ts';
import { isRunning, request, SESSION, textOf, until, untilFile, useHosts } from './hosts.ts';

const hosts = useHosts();

describe('checkStateDir', () => {
  test('makes the folder for its owner alone', async () => {
    const stateDir = join(hosts.stateDir, 'a/b');
    expect(await checkStateDir(stateDir)).toEqual({ kind: 'ok' });
    expect((await readdir(stateDir)).sort()).toEqual(['run', 'sessions']);
  });

  test('refuses what is no folder, and a path too long for a socket', async () => {
    const file = join(hosts.stateDir, 'file');
    await writeFile(file, '');
    const told = await checkStateDir(file);
    expect(told).toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining('choose a writable folder'),
    });
    const long = join(hosts.stateDir, 'x'.repeat(90));
    const spare = Buffer.byteLength(sessionPaths(long, 'any').socket) - 107;
    expect(await checkStateDir(long)).toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining(`at least ${spare} bytes shorter`),
    });
    expect(await checkStateDir(long.slice(0, -spare))).toEqual({ kind: 'ok' });
  });

  test('refuses a folder in one that takes none, as /proc', async () => {
    const told = await checkStateDir('/proc/holdfast/state');
    expect(told).toMatchObject({ kind: 'unusable', message: expect.stringContaining('/proc/holdfast') });
  });

  test('refuses a folder that cannot be made', async () => {
    const told = await checkStateDir('/dev/null/state');
    expect(told).toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining('/dev/null/state cannot be used'),
    });
  });
});

test('folder names stay in their folder and differ for ids that look alike', () => {
  const ids = ['../x', '..', '', 'a', 'A', 'a/b', 'a_b', 'x'.repeat(300), `${'x'.repeat(300)}y`, 'sesn_01'];
  const names = ids.map(folderName);
  expect(new Set(names.map(name => name.toLowerCase())).size).toBe(ids.length);
  for (const name of names) expect(name).toMatch(/^[\w-]{1,60}$/);
});

describe('hostId', () => {
  test('is made once and kept, also by many at a time', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => hostId(hosts.stateDir)));
    expect(new Set(ids).size).toBe(1);
    expect(await hostId(hosts.stateDir)).toBe(ids[0]);
  });

  test('is another one in a folder that was copied to another machine', async () => {
    const id = await hostId(hosts.stateDir);
    const path = join(hosts.stateDir, 'host-id');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...record, machine: 'another' }));
    const other = await hostId(hosts.stateDir);
    expect(other).not.toBe(id);
    expect(await hostId(hosts.stateDir)).toBe(other);
  });
});

test('exclusive work is done by one at a time, and its failure frees the next', async () => {
  const path = join(hosts.stateDir, 'lock');
  let inside = 0;
  let most = 0;
  const work = (fails: boolean) =>
    exclusively(path, 10_000, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(resolve => setTimeout(resolve, 20));
      inside -= 1;
      if (fails) throw new Error('failed');
    });
  const all = await Promise.allSettled([work(false), work(true), work(false), work(true)]);
  expect(all.map(each => each.status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(most).toBe(1);
  const held = exclusively(path, 1_000, () => exclusively(path, 50, async () => {}));
  await expect(held).rejects.toThrow('try again later');
});

describe('admit', () => {
  const ask = (sessionId: string, maxHosts = 2) => admit({ stateDir: hosts.stateDir, maxHosts, sessionId });

  test('counts live hosts, keeps a place for an admitted session, and lets a live session in', async () => {
    await checkStateDir(hosts.stateDir);
    expect(await ask('one')).toEqual({ kind: 'admitted' });
    expect(await ask('one')).toEqual({ kind: 'admitted' });
    expect(await ask('two')).toEqual({ kind: 'admitted' });
    expect(await ask('three')).toEqual({ kind: 'full', live: 2 });
    await hosts.open({ sessionId: 'one' });
    expect(await ask('one')).toEqual({ kind: 'admitted' });
  });

  test('has the place back as soon as the session gives it up, and that of a worker that died after a while', async () => {
    await checkStateDir(hosts.stateDir);
    await ask('one', 1);
    expect(await ask('two', 1)).toMatchObject({ kind: 'full' });
    await release({ stateDir: hosts.stateDir, sessionId: 'one' });
    expect(await ask('two', 1)).toEqual({ kind: 'admitted' });
    // Of a minute ago, and of the day after tomorrow: a clock that was set back must not keep it for two days.
    for (const offset of [-61, 2 * 86_400]) {
      const at = Date.now() / 1_000 + offset;
      const run = join(hosts.stateDir, 'run');
      for (const name of await readdir(run)) await utimes(join(run, name), at, at);
      await dropOldReservations(hosts.stateDir);
      expect(await readdir(run)).toEqual([]);
      await ask('three', 1);
    }
  });

  test('ends the host that was idle longest when the machine is full, never one that works', async () => {
    const [one, two, three] = [
      await hosts.open({ sessionId: 'one' }),
      await hosts.open({ sessionId: 'two' }),
      await hosts.open({ sessionId: 'three' }),
    ];
    const busy = hosts.client(one);
    await busy.startOrAttach('call_1', request('bash', { command: 'sleep 300' }, { waitMs: 0 }));
    await hosts.call(hosts.client(two), 'call_1', 'bash', { command: 'true' });
    await hosts.call(hosts.client(three), 'call_1', 'bash', { command: 'true' });
    expect(await ask('four', 3)).toEqual({ kind: 'admitted', closed: { sessionId: 'two' } });
    expect([one, two, three].map(opened => isRunning(opened.hostPid))).toEqual([true, false, true]);
    const again = await hosts.open({ sessionId: 'two', expected: two });
    const told = textOf(await hosts.call(hosts.client(again), 'call_2', 'bash', { command: 'echo x' }));
    expect(told).toMatch(/^\[Note: the tool host was restarted\./);
  });

  test('says full when every host works', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    await client.startOrAttach('call_1', request('bash', { command: 'sleep 300' }, { waitMs: 0 }));
    expect(await ask('other', 1)).toEqual({ kind: 'full', live: 1 });
    expect(isRunning(opened.hostPid)).toBe(true);
  });
});

describe('sweepHosts', () => {
  const background = (name: string) => `setsid sh -c 'echo $$ > ${name}; exec sleep 300' & echo started`;

  test('closes hosts that are not wanted and leaves the others alone', async () => {
    const wanted = await hosts.open({ sessionId: 'wanted' });
    const stale = await hosts.open({ sessionId: 'stale' });
    const asked: string[] = [];
    const report = await sweepHosts({
      stateDir: hosts.stateDir,
      isWanted: async (sessionId, incarnation) => {
        asked.push(`${sessionId} ${incarnation}`);
        return sessionId === 'wanted';
      },
    });
    expect(asked.sort()).toEqual([`stale ${stale.incarnation}`, `wanted ${wanted.incarnation}`]);
    expect(report.closed).toMatchObject([{ sessionId: 'stale', report: { kind: 'closed' } }]);
    expect([wanted, stale].map(opened => isRunning(opened.hostPid))).toEqual([true, false]);
  });

  test('kills what a dead host has left, also when its journal is gone, and nothing else', async () => {
    const dead = await hosts.open({ sessionId: 'dead' });
    const lost = await hosts.open({ sessionId: 'lost' });
    const alive = await hosts.open({ sessionId: 'alive' });
    const pids: number[] = [];
    for (const opened of [dead, lost, alive]) {
      await hosts.call(hosts.client(opened), 'call_1', 'bash', { command: background('gone') });
      pids.push(Number(await untilFile(join(opened.workspace, 'gone'))));
    }
    for (const opened of [dead, lost]) process.kill(opened.hostPid, 'SIGKILL');
    await until('both are dead', () => ![dead, lost].some(opened => isRunning(opened.hostPid)));
    await rename(hosts.paths('lost').folder, join(hosts.stateDir, 'elsewhere'));
    const report = await sweepHosts({ stateDir: hosts.stateDir, isWanted: async () => true });
    expect(report).toMatchObject({ closed: [], survivors: [] });
    expect(report.killed.map(text => Number.parseInt(text, 10))).toEqual(
      expect.arrayContaining(pids.slice(0, 2)),
    );
    expect(pids.map(isRunning)).toEqual([false, false, true]);
  });

  test('leaves a call that runs to its end where it may not be killed, and asks again before it kills', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    await client.startOrAttach('call_1', request('bash', { command: 'sleep 300' }, { waitMs: 0 }));
    const { stateDir } = hosts;
    const quiet: number[] = [];
    let mayKill = false;
    let wanted: boolean[] = [];
    const sweep = () =>
      sweepHosts({
        stateDir,
        isWanted: async () => wanted.shift() ?? false,
        mayKill: async (_, quietMs) => {
          quiet.push(quietMs);
          return mayKill;
        },
      });
    expect(await sweep()).toMatchObject({ closed: [] });
    mayKill = true;
    wanted = [false, true];
    expect(await sweep()).toMatchObject({ closed: [] });
    expect(isRunning(opened.hostPid)).toBe(true);
    expect(await sweep()).toMatchObject({ closed: [{ report: { stoppedCalls: ['call_1'] } }] });
    expect(quiet.length).toBe(3);
    for (const ms of quiet) expect(ms).toBeLessThan(60_000);
    expect(await takeNotes(hosts.paths(), false)).toEqual([
      expect.stringContaining('the sweep ended the tool host, which no run wanted: stopped call_1'),
    ]);
  });

  test('leaves hosts of another deployment alone', async () => {
    const opened = await hosts.open({ namespaceId: 'theirs' });
    const isOurs = ({ namespaceId }: { namespaceId?: string | undefined }) => namespaceId !== 'theirs';
    const { stateDir } = hosts;
    expect(await sweepHosts({ stateDir, isWanted: async () => false, isOurs })).toMatchObject({ closed: [] });
    expect(isRunning(opened.hostPid)).toBe(true);
  });

  test('takes a question that fails for a yes', async () => {
    const opened = await hosts.open();
    const isWanted = () => Promise.reject(new Error('Temporal is away'));
    expect(await sweepHosts({ stateDir: hosts.stateDir, isWanted })).toMatchObject({ closed: [] });
    expect(isRunning(opened.hostPid)).toBe(true);
  });

  test('does not kill on the word of a recorded pid', async () => {
    const opened = await hosts.open();
    const { hostRecord } = hosts.paths();
    const record = JSON.parse(readFileSync(hostRecord, 'utf8'));
    await cp(hostRecord, `${hostRecord}.kept`);
    await writeFile(hostRecord, JSON.stringify({ ...record, pid: process.ppid, incarnation: 'x' }));
    await sweepHosts({ stateDir: hosts.stateDir, isWanted: async () => false });
    expect(isRunning(process.ppid)).toBe(true);
    await rename(`${hostRecord}.kept`, hostRecord);
    expect(opened.kind).toBe('opened');
  });
});

test('removing a workspace takes its files and journal, but never from under a live host', async () => {
  const opened = await hosts.open();
  const { stateDir } = hosts;
  expect(await removeWorkspace({ stateDir, sessionId: SESSION, why: 'test' })).toBe(false);
  process.kill(opened.hostPid, 'SIGKILL');
  await until('the host is dead', () => !isRunning(opened.hostPid));
  expect(await removeWorkspace({ stateDir, sessionId: SESSION, why: 'test' })).toBe(true);
  expect(await readdir(join(stateDir, 'sessions'))).toEqual([]);
});
