import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MountRequest } from '../../src/tool-host/mount-protocol.ts';
import { removeWorkspace } from '../../src/tool-host/remove-workspace.ts';
import { until } from '../support/until.ts';
import { SESSION, useHosts } from './hosts.ts';
import { type MemoryApi, STORE, startMemoryApi } from './memory-api.ts';

const hosts = useHosts();
const TOKEN = 'sk-ant-req-of-the-item';
let place = '';
let root = '';
let api: MemoryApi;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'hf-mounts-'));
  root = join(place, 'notes');
  api = await startMemoryApi(SESSION, root);
  api.memories.set('/a.md', 'first');
});

afterEach(async () => {
  await api.close();
  await rm(place, { recursive: true, force: true });
});

const request = (change: Partial<MountRequest> = {}): MountRequest => ({
  sessionId: SESSION,
  token: TOKEN,
  baseURL: api.address,
  headers: {},
  memorySyncMs: 5_000,
  memoryDeletions: 'enabled',
  ...change,
});

const content = (path: string) => readFile(join(root, path), 'utf8');

describe('a session with a memory store', () => {
  test('rows 104, 105: has its files where the agent was told, for bash and the file tools, and its edits in the store at the end', async () => {
    const client = hosts.client(await hosts.open());
    const answer = await client.mount(request());
    expect(answer).toMatchObject({
      kind: 'mounted',
      notes: [expect.stringContaining('failed to download skill')],
    });
    expect(new Set(api.tokens)).toEqual(new Set([`Bearer ${TOKEN}`]));
    const read = await hosts.call(client, 'read', 'read', { file_path: join(root, 'a.md') });
    expect(read).toMatchObject({ kind: 'answered', isError: false });
    await hosts.call(client, 'bash', 'bash', { command: `echo new > ${root}/b.md; env` }).then(outcome => {
      expect(JSON.stringify(outcome)).not.toContain(TOKEN);
    });
    await hosts.call(client, 'write', 'write', { file_path: join(root, 'a.md'), content: 'second' });
    const closed = await client.close({ graceMs: 0, killRunning: true });
    expect(closed).toMatchObject({ kind: 'closed', mountFailures: [] });
    expect(Object.fromEntries(api.memories)).toEqual({ '/a.md': 'second', '/b.md': 'new\n' });
    expect(existsSync(root)).toBe(false);
  });

  test('keeps what its killed tool host had not synced: the next one lays it over what the server has by then', async () => {
    const opened = await hosts.open();
    const first = hosts.client(opened);
    api.memories.set('/both.md', 'old').set('/theirs.md', 'old').set('/gone.md', 'old');
    expect((await first.mount(request())).kind).toBe('mounted');
    await writeFile(join(root, 'a.md'), 'edited');
    await writeFile(join(root, 'new.md'), 'made');
    await writeFile(join(root, 'both.md'), 'mine');
    await rm(join(root, 'gone.md'));
    const record = JSON.parse(await readFile(hosts.paths().hostRecord, 'utf8')) as { pid: number };
    process.kill(record.pid, 'SIGKILL');
    api.memories.set('/both.md', 'newer').set('/theirs.md', 'newer');

    const second = hosts.client(await hosts.open({ expected: opened }));
    const answer = await second.mount(request());
    expect(answer).toMatchObject({ kind: 'mounted' });
    const notes = 'notes' in answer ? answer.notes.join('\n') : '';
    expect(notes).toMatch(/Kept unsynced edits of memory store memstore_1: .*a\.md/);
    expect(notes).toMatch(
      /Dropped edits of memory store memstore_1 that the server had changed too: both\.md/,
    );
    expect(await content('a.md')).toBe('edited');
    expect(await content('both.md')).toBe('newer');
    expect(await content('theirs.md')).toBe('newer');
    expect(existsSync(join(root, 'gone.md'))).toBe(false);
    await second.close({ graceMs: 0, killRunning: true });
    expect(Object.fromEntries(api.memories)).toEqual({
      '/a.md': 'edited',
      '/new.md': 'made',
      '/both.md': 'newer',
      '/theirs.md': 'newer',
    });
  });

  test('keeps what could not be uploaded at its end for the next time', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    await client.mount(request());
    await writeFile(join(root, 'a.md'), 'edited');
    api.status = 400;
    const closed = await client.close({ graceMs: 0, killRunning: true });
    expect(closed).toMatchObject({ mountFailures: expect.arrayContaining([expect.stringContaining('400')]) });
    api.status = undefined;
    const again = hosts.client(await hosts.open({ expected: opened }));
    expect((await again.mount(request())).kind).toBe('mounted');
    expect(await content('a.md')).toBe('edited');
  });

  test('row 104: is synced while it runs', async () => {
    const client = hosts.client(await hosts.open());
    await client.mount(request());
    await writeFile(join(root, 'b.md'), 'while it runs');
    await until('the store has the file', () => api.memories.get('/b.md') === 'while it runs');
  });

  test('takes the token of a newer work item', async () => {
    const client = hosts.client(await hosts.open());
    await client.mount(request());
    expect(await client.mount(request({ token: 'sk-ant-req-newer' }))).toEqual({
      kind: 'mounted',
      notes: [],
    });
    api.tokens.length = 0;
    await client.close({ graceMs: 0, killRunning: true });
    expect(new Set(api.tokens)).toEqual(new Set(['Bearer sk-ant-req-newer']));
  });

  test('row 111: keeps its edits when its tool host is told to end in the middle of a call', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    await client.mount(request());
    const call = hosts.call(client, 'long', 'bash', { command: `printf edited > ${root}/a.md; sleep 60` });
    await until('it is written', () => readFileSync(join(root, 'a.md'), 'utf8') === 'edited');
    const record = JSON.parse(await readFile(hosts.paths().hostRecord, 'utf8')) as { pid: number };
    process.kill(record.pid, 'SIGTERM');
    await call.catch(() => undefined);
    await until('the store has it', () => api.memories.get('/a.md') === 'edited');
  });

  test('row 120: keeps in the store what the agent deletes, where deletions are off', async () => {
    const client = hosts.client(await hosts.open());
    api.memories.set('/b.md', 'stays');
    await client.mount(request({ memoryDeletions: 'disabled' }));
    await rm(join(root, 'b.md'));
    await client.close({ graceMs: 0, killRunning: true });
    expect(Object.fromEntries(api.memories)).toEqual({ '/a.md': 'first', '/b.md': 'stays' });
  });

  test('rows 106, 108: is not mounted where memory is turned off', async () => {
    const client = hosts.client(await hosts.open());
    expect((await client.mount(request({ memorySyncMs: null }))).kind).toBe('mounted');
    expect(existsSync(root)).toBe(false);
  });
});

test('a folder that is not ours is left as it is, and the mount fails with a reason', async () => {
  await mkdir(root);
  await writeFile(join(root, 'somebody.txt'), 'theirs');
  const client = hosts.client(await hosts.open());
  const answer = await client.mount(request());
  expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining(`already exists`) });
  expect(JSON.stringify(answer)).toContain(STORE);
  expect(await content('somebody.txt')).toBe('theirs');
});

test.each([503, 429])('an API that answers %i can be asked again', async status => {
  const client = hosts.client(await hosts.open());
  api.status = status;
  expect((await client.mount(request())).kind).toBe('unavailable');
  api.status = undefined;
  expect((await client.mount(request())).kind).toBe('mounted');
});

test('row 110: a store that cannot be downloaded fails the mount for good', async () => {
  const client = hosts.client(await hosts.open());
  api.missing = true;
  const answer = await client.mount(request());
  expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining(STORE) });
  expect(existsSync(root)).toBe(false);
});

test('a workspace that is removed takes the folders of its stores along, and no others (I11)', async () => {
  const client = hosts.client(await hosts.open());
  await client.mount(request());
  await mkdir(join(place, 'other'));
  api.status = 400;
  await client.close({ graceMs: 0, killRunning: true });
  expect(existsSync(root)).toBe(true);
  expect(await removeWorkspace({ stateDir: hosts.stateDir, sessionId: SESSION, why: 'a test' })).toBe(true);
  expect(await readdir(place)).toEqual(['other']);
});
