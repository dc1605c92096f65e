/** What comes from outside (the API's answers, a tool's files) leads nothing of ours out of its folder. */
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openServerFolder } from '../../src/dev/temporal-folder.ts';
import { errorText, SESSION, useHosts } from './hosts.ts';
import { startMemoryApi } from './memory-api.ts';

const hosts = useHosts('shared');
let place = '';

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'hf-hostile-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

describe('an answer of the API', () => {
  test.each(['/../../evil.md', '/..'])('that names a memory %s writes no such file', async path => {
    const root = join(place, 'deep', 'notes');
    const api = await startMemoryApi(SESSION, root);
    api.memories.set('/a.md', 'first').set(path, 'evil');
    const client = hosts.client(await hosts.open());
    const request = { sessionId: SESSION, token: 'sk-ant-req-x', baseURL: api.address, headers: {} };
    await client.mount({ ...request, memorySyncMs: 5_000, memoryDeletions: 'enabled' });
    const found = await readdir(place, { recursive: true });
    expect(found.filter(name => name.includes('evil'))).toEqual([]);
    expect(existsSync(join(dirname(place), 'evil.md'))).toBe(false);
    await client.close({ graceMs: 0, killRunning: true });
    await api.close();
  });
});

describe('a link in the workspace', () => {
  test.each([
    ['read', { file_path: 'out/secret' }],
    ['write', { file_path: 'out/new', content: 'x' }],
    ['edit', { file_path: 'out/secret', old_string: 's', new_string: 't' }],
    ['read', { file_path: '../journal/incarnation.json' }],
    ['read', { file_path: '/proc/self/environ' }],
    ['glob', { pattern: '*', path: 'out' }],
    ['grep', { pattern: 's', path: 'out' }],
  ])('does not take %s out of it: %j', async (name, input) => {
    const client = hosts.client(await hosts.open());
    await writeFile(join(place, 'secret'), 'secret');
    await hosts.call(client, `link ${place}`, 'bash', { command: `ln -sfn ${place} out` });
    const said = errorText(await hosts.call(client, `call ${place}`, name, input));
    expect(said).not.toContain('secret\n');
    expect(await readdir(place)).toEqual(['secret']);
  });
});

test("the embedded Temporal server's database is for its user alone, and so are the folders made for it", async () => {
  const state = join(place, 'state');
  const folder = await openServerFolder(join(state, 'temporal'), 1_000);
  for (const path of [state, join(state, 'temporal')]) expect(statSync(path).mode & 0o777).toBe(0o700);
  await folder.leave();
});
