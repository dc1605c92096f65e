import { closeSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { boundLog, openLog } from '../../src/tool-host/host-log.ts';
import { useHosts } from './hosts.ts';

const hosts = useHosts();

test('a log that has grown large is begun anew under those who write to it', async () => {
  const path = join(hosts.stateDir, 'log');
  const log = openLog(path);
  const other = openLog(path);
  writeSync(other, 'x'.repeat(100));
  boundLog(log, 100);
  expect((await readFile(path, 'utf8')).length).toBe(100);
  writeSync(log, 'y');
  boundLog(log, 100);
  writeSync(other, 'after');
  expect(await readFile(path, 'utf8')).toBe('[101 bytes of an older log were dropped]\nafter');
  for (const file of [log, other]) closeSync(file);
});
