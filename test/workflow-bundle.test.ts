import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { workflowBundle } from '../src/workflow-bundle.ts';

const logger = new DefaultLogger('ERROR');
let cacheDir = '';

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'hfb-'));
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

test('a worker that starts again takes the bundle from the disk, whole, and bundles that nobody uses go', async () => {
  const first = await workflowBundle(cacheDir, logger);
  const code = 'code' in first ? first.code : '';
  expect(code).toContain('runSession');
  const old = join(cacheDir, 'workflows', 'old.js');
  await writeFile(old, '');
  const [name = ''] = (await readdir(join(cacheDir, 'workflows'))).filter(other => other !== 'old.js');
  const second = await workflowBundle(cacheDir, logger);
  expect(second).toEqual({ codePath: join(cacheDir, 'workflows', name) });
  expect(await readFile(join(cacheDir, 'workflows', name), 'utf8')).toBe(code);
  const longAgo = new Date(Date.now() - 31 * 86_400_000);
  await utimes(old, longAgo, longAgo);
  await rm(join(cacheDir, 'workflows', name));
  await workflowBundle(cacheDir, logger);
  expect(await readdir(join(cacheDir, 'workflows'))).toEqual([name]);
});

test('a cache that cannot be written to costs the time to make it, nothing else', async () => {
  const file = join(cacheDir, 'file');
  await writeFile(file, '');
  const bundle = await workflowBundle(file, logger);
  expect('code' in bundle && bundle.code).toContain('runSession');
});
