import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdfast } from './command.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hfc-'));
  writeFileSync(join(folder, '.env'), 'HOLDFAST_TOOLS=./faulty.mjs\nHOLDFAST_KEEP=never\n');
  writeFileSync(join(folder, 'faulty.mjs'), 'export default { tools: [5, 6] };');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (text: string) => text.split('\n').filter(line => line !== '');

test('the .env of the folder names the module, whose faults are a line each and exit 1', async () => {
  // What is set already wins over the file.
  const { code, stderr } = await holdfast(folder, ['tools', '--check'], { HOLDFAST_KEEP: 'end' });
  expect(code).toBe(1);
  expect(linesOf(stderr)).toEqual([
    `holdfast: the tools module ${join(folder, 'faulty.mjs')} tools[0] is number, not a tool`,
    `holdfast: the tools module ${join(folder, 'faulty.mjs')} tools[1] is number, not a tool`,
  ]);
});
