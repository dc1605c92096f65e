import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from './sdk-support.ts';
import { clientOf, emulatorFor, request } from './support.ts';
import { queueFor } from './work-support.ts';

const BETA = 'agent-memory-2026-07-22';

test('a skill is read by version or as latest, and its archive is what unzip and tar expect', async () => {
  const emulator = await emulatorFor();
  const folder = await temporaryFolder();
  const client = clientOf(emulator);
  const files = { 'SKILL.md': '# pdf ünïcode', 'scripts/run.sh': 'echo hi' };
  for (const format of ['zip', 'tar'] as const) {
    const { skill_id, version } = emulator.addSkill({
      name: 'pdf',
      files,
      executable: ['scripts/run.sh'],
      format,
    });
    const resource = await client.beta.skills.versions.retrieve('latest', { skill_id });
    expect(resource).toMatchObject({ type: 'skill_version', id: version, skill_id, name: 'pdf' });
    const response = await client.beta.skills.versions.download(version, { skill_id });
    const file = join(folder, `skill.${format}`);
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    const list = format === 'zip' ? execFileSync('unzip', ['-Z', file]) : execFileSync('tar', ['-tvf', file]);
    expect(list.toString()).toMatch(/-rw-r--r--.*pdf\/SKILL\.md\n-rwxr-xr-x.*pdf\/scripts\/run\.sh/);
    const text =
      format === 'zip'
        ? execFileSync('unzip', ['-p', file, 'pdf/SKILL.md'])
        : execFileSync('tar', ['-xOf', file, 'pdf/SKILL.md']);
    expect(text.toString()).toBe('# pdf ünïcode');
  }
});

test('a second version of a skill is the latest; content is not found by that alias', async () => {
  const emulator = await emulatorFor();
  const first = emulator.addSkill({ id: 'skill_a', name: 'a', files: { 'SKILL.md': '1' } });
  const added = await request(emulator, '/_emulator/skills', {
    json: { id: 'skill_a', name: 'a', archive_base64: Buffer.from('as it is').toString('base64') },
  });
  const versions = '/v1/skills/skill_a/versions';
  expect((await request(emulator, versions)).body.data?.map(({ id }) => id)).toEqual([
    added.body.version,
    first.version,
  ]);
  expect((await request(emulator, `${versions}/latest`)).body.id).toBe(added.body.version);
  expect((await request(emulator, `${versions}/latest/content`)).status).toBe(404);
  expect((await request(emulator, '/v1/skills/skill_b/versions/latest')).status).toBe(404);
  const headers = { 'x-api-key': 'k' };
  const raw = await fetch(`${emulator.url}${versions}/${added.body.version}/content`, { headers });
  expect(await raw.text()).toBe('as it is');
  emulator.setFaults({ fail: [{ route: 'skill_content', status: 500 }] });
  expect((await request(emulator, `${versions}/${first.version}/content`)).status).toBe(500);
});

test('memories are listed in pages, with their contents or without, below a prefix or rolled up', async () => {
  const emulator = await emulatorFor();
  const texts = Array.from({ length: 45 }, (_, i) => [
    `/notes/${String(i).padStart(2, '0')}.md`,
    `text ${i}`,
  ]);
  const store = emulator.createMemoryStore({ memories: { ...Object.fromEntries(texts), '/top.md': 'top' } });
  const { memories } = clientOf(emulator).beta.memoryStores;
  const full = await memories.list(store.id, { view: 'full', limit: 100 });
  expect(full.data).toHaveLength(20);
  expect(full.data[0]).toMatchObject({
    type: 'memory',
    path: '/notes/00.md',
    content: 'text 0',
    content_size_bytes: 6,
    content_sha256: createHash('sha256').update('text 0').digest('hex'),
  });
  const all = [];
  for await (const memory of memories.list(store.id, { limit: 7 })) all.push(memory);
  expect(all.map(({ path }) => path)).toEqual([...texts.map(([path]) => path), '/top.md']);
  expect(all[0]).toMatchObject({ content: null });
  const top = await memories.list(store.id, { depth: 1 });
  expect(top.data.map(({ type, path }) => [type, path])).toEqual([
    ['memory_prefix', '/notes/'],
    ['memory', '/top.md'],
  ]);
  const below = await memories.list(store.id, { path_prefix: '/notes/', limit: 100 });
  expect(below.data).toHaveLength(45);
});

test('a memory is created, updated and deleted under its conditions', async () => {
  const emulator = await emulatorFor();
  const store = emulator.createMemoryStore({ memories: { '/a.md': 'one' } });
  const { memories } = clientOf(emulator).beta.memoryStores;
  const memory_store_id = store.id;
  const created = await memories.create(store.id, { path: '/b.md', content: 'two' });
  await expect(memories.create(store.id, { path: '/b.md', content: 'x' })).rejects.toMatchObject({
    status: 409,
    error: { error: { type: 'memory_path_conflict_error', conflicting_memory_id: created.id } },
  });
  const sha = created.content_sha256;
  const precondition = { type: 'content_sha256' as const, content_sha256: sha };
  const change = { memory_store_id, content: 'three', precondition };
  const updated = await memories.update(created.id, change);
  expect(updated).toMatchObject({ id: created.id, path: '/b.md', content: null });
  await expect(memories.update(created.id, change)).rejects.toMatchObject({
    status: 409,
    error: { error: { type: 'memory_precondition_failed_error' } },
  });
  const deletion = { memory_store_id, expected_content_sha256: sha };
  await expect(memories.delete(created.id, deletion)).rejects.toMatchObject({ status: 409 });
  expect((await memories.retrieve(created.id, { memory_store_id })).content).toBe('three');
  await memories.delete(created.id, { memory_store_id, expected_content_sha256: updated.content_sha256 });
  await expect(memories.retrieve(created.id, { memory_store_id })).rejects.toMatchObject({ status: 404 });

  for (const path of ['b.md', '/../b.md', '/b//c', '/', '/a\u0000', `/${'x/'.repeat(20)}x`]) {
    await expect(memories.create(store.id, { path, content: '' })).rejects.toMatchObject({ status: 400 });
  }
  const large = { path: '/large', content: 'x'.repeat(102_401) };
  await expect(memories.create(store.id, large)).rejects.toMatchObject({ status: 413 });
});

test('memory needs its own beta, and of a token that the store is attached to its session', async () => {
  const { emulator, environment, worker } = await queueFor();
  const [open, library, foreign] = ['open', 'library', 'foreign'].map(name =>
    emulator.createMemoryStore({ name }),
  );
  emulator.createSession({
    environmentId: environment.id,
    resources: [
      { type: 'memory_store', memory_store_id: open?.id },
      { type: 'memory_store', memory_store_id: library?.id, access: 'read_only' },
    ],
  });
  const { token } = await worker.hold();
  const status = async (method: string, id: string | undefined, bearer: string, beta = BETA) => {
    const headers = { authorization: `Bearer ${bearer}`, 'anthropic-beta': beta };
    const json = method === 'POST' ? { json: { path: '/x', content: 'x' } } : {};
    return (await request(emulator, `/v1/memory_stores/${id}/memories`, { method, headers, ...json })).status;
  };
  expect(await status('GET', open?.id, token)).toBe(200);
  expect(await status('POST', open?.id, token)).toBe(200);
  expect(await status('GET', library?.id, token)).toBe(200);
  expect(await status('POST', library?.id, token), 'read-only').toBe(403);
  expect(await status('GET', foreign?.id, token), 'not attached').toBe(403);
  expect(await status('GET', open?.id, environment.key), 'the environment key').toBe(403);
  expect(await status('GET', foreign?.id, 'org-key')).toBe(200);
  expect(await status('GET', open?.id, token, `${BETA},managed-agents-2026-04-01`)).toBe(400);
  expect(await status('GET', open?.id, token, 'managed-agents-2026-04-01')).toBe(400);
  expect(await status('GET', 'memstore_x', 'org-key')).toBe(404);
});

test('a session shows a store as it was when it was attached', async () => {
  const emulator = await emulatorFor();
  const store = emulator.createMemoryStore({
    name: 'team',
    description: 'ours',
    mountPath: '/mnt/memory/team',
  });
  const session = emulator.createSession({
    resources: [{ type: 'memory_store', memory_store_id: store.id }],
  });
  const { body } = await request(emulator, `/v1/sessions/${session.id}`);
  expect(body.resources).toEqual([
    {
      type: 'memory_store',
      memory_store_id: store.id,
      access: 'read_write',
      name: 'team',
      description: 'ours',
      mount_path: '/mnt/memory/team',
    },
  ]);
});

test('a memory endpoint fails as a fault says', async () => {
  const emulator = await emulatorFor();
  const store = emulator.createMemoryStore();
  const { memories } = clientOf(emulator).beta.memoryStores;
  emulator.setFaults({ fail: [{ route: 'memory_create', status: 503 }] });
  const memory = { path: '/a', content: 'a' };
  await expect(memories.create(store.id, memory)).rejects.toMatchObject({ status: 503 });
  expect(await memories.create(store.id, memory)).toMatchObject({ path: '/a' });
  const seen = await request(emulator, `/_emulator/memory_stores/${store.id}`);
  expect(seen.body.memories).toEqual({ '/a': 'a' });
});
