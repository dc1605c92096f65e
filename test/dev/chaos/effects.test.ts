import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createEffectsReader, effectsFile } from '../../../src/dev/chaos/effects.ts';

async function ledger(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hf-effects-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return effectsFile(folder);
}

test('lines are counted by label as they come, whole lines only', async () => {
  const file = await ledger();
  const reader = createEffectsReader(file);
  expect(reader.counts().size).toBe(0);
  await writeFile(file, 's1-1\t100\ns1-2\ns1-1\t2');
  expect(Object.fromEntries(reader.counts())).toEqual({ 's1-1': 1, 's1-2': 1 });
  await appendFile(file, '00\n');
  expect(Object.fromEntries(reader.counts())).toEqual({ 's1-1': 2, 's1-2': 1 });
  expect(Object.fromEntries(reader.times())).toEqual({ 's1-1': [100, 200] });
});

test('a ledger larger than one read is read to its end', async () => {
  const file = await ledger();
  const lines = Array.from({ length: 60_000 }, (_, i) => `s1-${i % 50_000}\t1\n`).join('');
  expect(lines.length).toBeGreaterThan(512 * 1024);
  await writeFile(file, lines);
  const counts = createEffectsReader(file).counts();
  expect(counts.size).toBe(50_000);
  expect(counts.get('s1-9999')).toBe(2);
  expect(counts.get('s1-49999')).toBe(1);
});
