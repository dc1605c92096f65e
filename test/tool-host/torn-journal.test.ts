/** Damaged records, and a disk that refuses one: what may have started is not started again, what has not may be (I4). */
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Calls } from '../../src/tool-host/calls.ts';
import { ToolHostClient } from '../../src/tool-host/client.ts';
import { Fence } from '../../src/tool-host/fence.ts';
import { Journal } from '../../src/tool-host/journal.ts';
import { DEFAULT_LIMITS } from '../../src/tool-host/limits.ts';
import { folderName } from '../../src/tool-host/paths.ts';
import { Toolbox } from '../../src/tool-host/toolbox.ts';
import {
  isRunning,
  linesOf,
  onlyCallFolder,
  request,
  SLEEPER,
  sleeper,
  textOf,
  toolEnv,
  until,
  useHosts,
} from './hosts.ts';

const damages: [string, (folder: string) => Promise<void>][] = [
  ['a start marker that is cut short', folder => truncate(join(folder, 'started.json'), 10)],
  ['a start marker of zeros', folder => writeFile(join(folder, 'started.json'), '\0'.repeat(200))],
  ['a start marker that says nothing', folder => writeFile(join(folder, 'started.json'), '{}')],
  ['no start marker, but output', folder => rm(join(folder, 'started.json'))],
  ['an outcome that is cut short', folder => writeFile(join(folder, 'outcome.json'), '{"kind":"answ')],
  ['an outcome that says nothing', folder => writeFile(join(folder, 'outcome.json'), '{}')],
];

describe('a call of a host that was killed', () => {
  const hosts = useHosts();

  test.each(damages)('with %s is unknown, and not run again', async (_, damage) => {
    const opened = await hosts.open();
    const left = await sleeper(hosts, opened);
    const folder = await onlyCallFolder(hosts);
    process.kill(opened.hostPid, 'SIGKILL');
    await until('the host is dead', () => !isRunning(opened.hostPid));
    await damage(folder);
    const client = hosts.client(await hosts.open({ expected: opened }));
    const outcome = await hosts.call(client, 'call_1', 'bash', { command: SLEEPER });
    expect(outcome).toMatchObject({ kind: 'unknown', evidence: { lastLines: ['said'] } });
    expect(await hosts.call(client, 'call_1', 'bash', { command: SLEEPER })).toEqual(outcome);
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['begun']);
    expect(left.filter(isRunning)).toEqual([]);
  });

  test('with a folder and no record in it had not started: it runs', async () => {
    const opened = await hosts.open();
    const folder = join(hosts.paths().journal, 'calls', folderName('call_1'));
    await mkdir(folder);
    // What a power cut may leave of a marker that was being written.
    await writeFile(join(folder, '.4711-1-1.tmp'), '{"name":"ba');
    const client = hosts.client(opened);
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command: 'echo ran' }))).toBe('ran');
  });
});

/** Its markers are written, but the disk does not confirm the first so many. */
class UnconfirmedJournal extends Journal {
  failures = 1;

  override async recordStart(...args: Parameters<Journal['recordStart']>): Promise<void> {
    await super.recordStart(...args);
    if (this.failures-- > 0) throw new Error('EIO: i/o error, fsync');
  }
}

describe('a start marker that the disk does not confirm', () => {
  async function withCalls(work: (calls: Calls, folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'hf-'));
    await mkdir(join(folder, 'journal', 'calls'), { recursive: true });
    const journal = new UnconfirmedJournal(join(folder, 'journal'), DEFAULT_LIMITS);
    const env = { ...toolEnv(), HOLDFAST_HOST: 'test.unconfirmed' };
    const toolbox = new Toolbox({
      ...{
        workspace: folder,
        journal: join(folder, 'journal'),
        env,
        commandPrefix: [],
        owner: undefined,
        version: {},
      },
      limits: DEFAULT_LIMITS,
      roots: () => ({ allowed: [], readOnly: [] }),
      onGroup: () => {},
    });
    await toolbox.start();
    const shared = { incarnation: 'test.unconfirmed', journal, toolbox, limits: DEFAULT_LIMITS };
    try {
      await work(new Calls({ ...shared, fence: new Fence(0) }), folder);
    } finally {
      await toolbox.close();
      await rm(folder, { recursive: true });
    }
  }

  test('has started nothing: the next attempt starts the call, once', async () => {
    await withCalls(async (calls, folder) => {
      const call = request('bash', { command: 'echo begun >> effects' }, { waitMs: 30_000 });
      await expect(calls.startOrAttach('call_1', call)).rejects.toThrow('EIO');
      expect(await calls.startOrAttach('call_1', call)).toMatchObject({
        outcome: { kind: 'answered', isError: false, starts: 1 },
      });
      expect(await linesOf(join(folder, 'effects'))).toEqual(['begun']);
    });
  });

  test('has started nothing: a stop bars the call', async () => {
    await withCalls(async (calls, folder) => {
      const call = request('bash', { command: 'echo begun >> effects' });
      await expect(calls.startOrAttach('call_1', call)).rejects.toThrow('EIO');
      expect(await calls.stop('call_1')).toMatchObject({ kind: 'not-started' });
      expect(await calls.startOrAttach('call_1', call)).toMatchObject({
        outcome: { kind: 'stopped', starts: 0 },
      });
      expect(await linesOf(join(folder, 'effects'))).toEqual([]);
    });
  });
});

describe('a request that finds no host', () => {
  test('where nobody listens has reached nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hf-'));
    const client = new ToolHostClient({ socketPath: join(folder, 'none'), incarnation: 'x' });
    const answer = await client.startOrAttach('call_1', request('bash', {}));
    expect(answer).toMatchObject({ kind: 'no-host', unsent: true });
    client.destroy();
    await rm(folder, { recursive: true });
  });

  test('that dies with it in its hands may have reached it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hf-'));
    const socketPath = join(folder, 'socket');
    const server = createServer(socket => socket.once('data', () => socket.destroy()));
    await new Promise<void>(resolve => server.listen(socketPath, resolve));
    const client = new ToolHostClient({ socketPath, incarnation: 'x' });
    const answer = await client.startOrAttach('call_1', request('bash', {}));
    expect(answer).toEqual({ kind: 'no-host', reason: expect.any(String) });
    client.destroy();
    await new Promise(resolve => server.close(resolve));
    await rm(folder, { recursive: true });
  });
});
