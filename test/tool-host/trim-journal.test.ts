import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderName } from '../../src/tool-host/paths.ts';
import { markDelivered, trimJournal } from '../../src/tool-host/trim-journal.ts';
import { useHosts } from './hosts.ts';

const hosts = useHosts();

/** A call's folder; `age` orders the files. */
async function call(id: string, age: number, files: Record<string, number>): Promise<string> {
  const folder = join(hosts.stateDir, 'journal/calls', folderName(id));
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(folder, name), 'x'.repeat(bytes));
    await utimes(join(folder, name), 1_000 - age, 1_000 - age);
  }
  return folder;
}

describe('a journal that has grown too large', () => {
  const ended = { 'started.json': 10, 'outcome.json': 10 };
  const journal = () => join(hosts.stateDir, 'journal');

  test('loses the oldest output of calls that have ended, and never what decides about a call', async () => {
    const old = await call('old', 3, { ...ended, 'output.log': 60 });
    const running = await call('running', 2, { 'started.json': 10, 'output.log': 60 });
    const young = await call('young', 1, { ...ended, 'output.log': 60 });
    expect(await trimJournal(journal(), 100)).toBe(60);
    const left = [old, running, young].map(folder => existsSync(join(folder, 'output.log')));
    expect(left).toEqual([false, true, true]);
    for (const folder of [old, young])
      expect(['started.json', 'outcome.json'].every(name => existsSync(join(folder, name)))).toBe(true);
    expect(await trimJournal(journal(), 100)).toBe(0);
  });

  test('loses a large result only once that is delivered', async () => {
    const waiting = await call('waiting', 2, { ...ended, 'content.json': 200 });
    const posted = await call('posted', 1, { ...ended, 'content.json': 200 });
    await markDelivered(journal(), 'posted');
    expect(await trimJournal(journal(), 100)).toBe(200);
    expect([waiting, posted].map(folder => existsSync(join(folder, 'content.json')))).toEqual([true, false]);
  });
});
