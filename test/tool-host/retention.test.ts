import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createJournal } from '../../src/tool-host/journal.ts';
import { checkStateDir } from '../../src/tool-host/paths.ts';
import { type ExpireOptions, expireWorkspaces, type LastRun } from '../../src/tool-host/retention.ts';
import { takeNotes } from '../../src/tool-host/session-notes.ts';
import { recordOwner } from '../../src/tool-host/session-owner.ts';
import { close, SESSION, useHosts } from './hosts.ts';

const hosts = useHosts();
const HOUR = 3_600_000;
const START = 1_800_000_000_000;
const DAY_KEPT = { afterMs: 24 * HOUR, untilEnd: false, text: '1d' };

const idle = (hoursAgo: number): LastRun => ({
  kind: 'ended',
  inOrder: true,
  at: Date.now() - hoursAgo * HOUR,
  forGood: async () => false,
});
const terminated: LastRun = { kind: 'ended', inOrder: true, at: 0, forGood: async () => true };

/** A session's folder as a host that has ended leaves it. */
async function leave(sessionId: string, namespaceId?: string): Promise<string> {
  await checkStateDir(hosts.stateDir);
  const paths = hosts.paths(sessionId);
  await recordOwner(paths, { sessionId, namespaceId });
  await mkdir(join(paths.workspace, 'src'), { recursive: true });
  await writeFile(join(paths.workspace, 'src/file'), 'text');
  await createJournal(paths.journal, { incarnation: `x.${sessionId}`, sessionId, createdAt: 0 });
  return paths.folder;
}

function expire(hours: number, run: LastRun | Error, options: Partial<ExpireOptions> = {}) {
  return expireWorkspaces({
    stateDir: hosts.stateDir,
    keep: DAY_KEPT,
    time: START + hours * HOUR,
    lastRun: async () => {
      if (run instanceof Error) throw run;
      return run;
    },
    isOurs: () => true,
    ...options,
  });
}

describe('the files of a session', () => {
  test('are deleted when the time is over since it was first found ended, and the next run is told', async () => {
    const folder = await leave('one');
    expect(await expire(0, idle(100))).toEqual({ removed: [], foreign: 0, failed: [] });
    expect(await expire(24, idle(100))).toMatchObject({ removed: [] });
    expect(existsSync(folder)).toBe(true);
    expect(await expire(24.1, idle(100))).toMatchObject({ removed: ['one'], failed: [] });
    expect(await readdir(join(hosts.stateDir, 'sessions'))).toEqual([]);
    expect(await takeNotes(hosts.paths('one'), false)).toEqual([
      expect.stringMatching(/^at 20.*removed the workspace and its journal: kept for 1d/),
    ]);
    expect(await takeNotes(hosts.paths('one'), false)).toEqual([]);
  });

  test.each([
    ['runs', { kind: 'running' } as const],
    ['cannot be asked for', new Error('Temporal is away')],
  ])('are never deleted while its workflow %s', async (_, run) => {
    const folder = await leave('one');
    await expire(0, run);
    expect(await expire(1_000, run)).toMatchObject({ removed: [] });
    await expire(1_000, idle(1_000));
    expect(await expire(2_000, run)).toMatchObject({ removed: [] });
    expect(existsSync(folder)).toBe(true);
  });

  test('have their time begin anew when the session was found running at its end', async () => {
    await leave('one');
    await expire(0, idle(0));
    await expire(30, { kind: 'running' });
    await expire(31, idle(1));
    expect(await expire(50, idle(1_000))).toMatchObject({ removed: [] });
    expect(await expire(56, idle(1_000))).toMatchObject({ removed: ['one'] });
  });

  test('stay when it ran again meanwhile without needing them', async () => {
    await leave('one');
    await expire(0, idle(0));
    expect(await expire(30, idle(2))).toMatchObject({ removed: [] });
    expect(await expire(60, idle(32))).toMatchObject({ removed: ['one'] });
  });

  test('are deleted in time when Temporal has forgotten its runs', async () => {
    await leave('one');
    await expire(0, { kind: 'forgotten' });
    expect(await expire(23, { kind: 'forgotten' })).toMatchObject({ removed: [] });
    expect(await expire(25, { kind: 'forgotten' })).toMatchObject({ removed: ['one'] });
  });

  test('stay for ever where that is wanted', async () => {
    await leave('one');
    const keep = { afterMs: null, untilEnd: false, text: 'keep' };
    await expire(0, terminated, { keep });
    expect(await expire(100_000, terminated, { keep })).toMatchObject({ removed: [] });
  });

  test('go at once with a session that has ended for good where that is wanted, and only with such', async () => {
    const keep = { ...DAY_KEPT, untilEnd: true };
    const ended: Record<string, LastRun> = { gone: terminated, idle: idle(0) };
    await Promise.all(Object.keys(ended).map(id => leave(id)));
    const lastRun = async (id: string) => ended[id] ?? { kind: 'running' as const };
    expect(await expire(0, terminated, { keep, lastRun })).toMatchObject({ removed: ['gone'] });
    expect(existsSync(hosts.paths('idle').folder)).toBe(true);
  });

  test('of another Temporal namespace are left alone, and counted', async () => {
    await leave('theirs', 'namespace-b');
    const asked: string[] = [];
    const options: Partial<ExpireOptions> = {
      isOurs: ({ namespaceId }) => namespaceId === 'namespace-a',
      lastRun: async id => {
        asked.push(id);
        return { kind: 'forgotten' };
      },
    };
    await expire(0, terminated, options);
    expect(await expire(1_000, terminated, options)).toEqual({ removed: [], foreign: 1, failed: [] });
    expect(asked).toEqual([]);
  });

  test('are deleted also where a tool has taken away its own right to write', async () => {
    const folder = await leave('one');
    await chmod(join(folder, 'workspace/src'), 0o500);
    await expire(0, idle(100));
    expect(await expire(25, idle(100))).toMatchObject({ removed: ['one'], failed: [] });
    expect(await readdir(join(hosts.stateDir, 'sessions'))).toEqual([]);
  });

  test('stay while a host lives, and their time begins anew with every host', async () => {
    const first = await hosts.open();
    await expire(0, idle(100));
    expect(await expire(1_000, idle(100))).toMatchObject({ removed: [] });
    await close(first, hosts);
    await expire(1_000, idle(100));
    await close(await hosts.open({ expected: first }), hosts);
    expect(await expire(2_000, idle(100))).toMatchObject({ removed: [] });
    expect(await expire(2_025, idle(100))).toMatchObject({ removed: [SESSION] });
  });
});

describe('the sweep that first finds a session ended', () => {
  test('clears away what dead processes have left of it', async () => {
    const folder = await leave('one');
    const { socket, journal } = hosts.paths('one');
    const call = join(journal, 'calls', 'call_1');
    await mkdir(call, { recursive: true });
    await mkdir(join(folder, 'journal.new-123'));
    const left = [join(folder, '.1-2-3.tmp'), join(journal, '.1-2-4.tmp'), join(call, '.1-2-5.tmp'), socket];
    await Promise.all(left.map(path => writeFile(path, '')));
    await writeFile(join(call, 'started.json'), '{}');
    await expire(0, idle(0));
    expect(left.filter(existsSync)).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['journal', 'session.json', 'unused.json', 'workspace']);
    expect(await readdir(call)).toEqual(['started.json']);
  });
});
