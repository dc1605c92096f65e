import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ModuleWatch, watchModule } from '../src/module-watch.ts';
import { until } from './tool-host/hosts.ts';

let folder: string;
let watch: ModuleWatch;
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-'));
  mkdirSync(join(folder, 'lib'));
  changes = 0;
  for (const file of ['tools.ts', 'lib/helper.ts', 'other.ts']) writeFileSync(join(folder, file), '');
  const fail = (what: string): void => {
    throw new Error(what);
  };
  watch = watchModule(join(folder, 'tools.ts'), () => changes++, fail);
  follow(false);
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true, force: true });
});

function follow(broken: boolean): void {
  const urls = ['tools.ts', 'lib/helper.ts'].map(file => pathToFileURL(join(folder, file)).href);
  const files = Object.fromEntries(urls.map(url => [url, { format: 'module', source: '' }]));
  watch.follow({ hash: '', files }, broken);
}

const seen = (count: number) => until('the change', () => changes >= count || undefined);

test('a save is told once, in place or by a file that takes its place, of all that the module imports', async () => {
  writeFileSync(join(folder, 'tools.ts'), 'a');
  writeFileSync(join(folder, 'tools.ts'), 'b');
  await seen(1);
  writeFileSync(join(folder, '.tools.ts.swp'), 'c');
  renameSync(join(folder, '.tools.ts.swp'), join(folder, 'tools.ts'));
  await seen(2);
  writeFileSync(join(folder, 'lib', 'helper.ts'), 'd');
  await seen(3);
  expect(changes).toBe(3);
});

test('other files are told of only while the module is broken: one of them may be what it lacks', async () => {
  writeFileSync(join(folder, 'other.ts'), 'a');
  writeFileSync(join(folder, 'notes.txt'), 'a');
  await sleep(400);
  expect(changes).toBe(0);
  follow(true);
  writeFileSync(join(folder, 'missing.ts'), 'a');
  await seen(1);
});
