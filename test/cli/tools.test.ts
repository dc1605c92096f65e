import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdfast } from './command.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/own-tools/tools.ts', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hfc-'));
  writeFileSync(join(folder, '.env'), 'HOLDFAST_TOOLS=./faulty.mjs\nHOLDFAST_KEEP=never\n');
  writeFileSync(join(folder, 'faulty.mjs'), 'export default { tools: [5, 6] };');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (text: string) => text.split('\n').filter(line => line !== '');

test('tools --check lists what would be served: functions, programs and the tools of MCP servers', async () => {
  const { code, stdout, stderr } = await holdfast(folder, ['tools', '--check', EXAMPLE], {
    HOLDFAST_KEEP: '',
  });
  expect([code, stderr]).toEqual([0, '']);
  const rows = linesOf(stdout).map(line => line.replace(/ {2,}/g, ' | '));
  expect(rows[0]).toBe('NAME | KIND | TIMEOUT | IDEMPOTENT | LOCKS | DESCRIPTION');
  expect(rows[1]).toBe('bash | built-in | 150s | no | workspace');
  expect(rows.slice(-4)).toEqual([
    'shipping_cost | function | 10s | yes | – | What a parcel costs, in euros',
    'word_count | exec | 30s | yes | – | Counts the words of a text, or of a file in the workspace',
    'notes_add | mcp | 150s | no | notes | Adds a note',
    'notes_list | mcp | 150s | yes | notes | Lists the notes',
  ]);
});

test('tools --json is one object with the schemas that an agent needs', async () => {
  const { stdout } = await holdfast(folder, ['tools', '--json', EXAMPLE], { HOLDFAST_KEEP: '' });
  const told = JSON.parse(stdout);
  expect(told).toMatchObject({ module: EXAMPLE, problems: [] });
  expect(told.tools.at(-2)).toMatchObject({
    name: 'notes_add',
    inputSchema: { type: 'object', properties: { note: { type: 'string' } }, required: ['note'] },
  });
});

test('the .env of the folder names the module, whose faults are a line each and exit 1', async () => {
  // What is set already wins over the file.
  const { code, stderr } = await holdfast(folder, ['tools', '--check'], { HOLDFAST_KEEP: 'end' });
  expect(code).toBe(1);
  expect(linesOf(stderr)).toEqual([
    `holdfast: the tools module ${join(folder, 'faulty.mjs')} tools[0] is number, not a tool`,
    `holdfast: the tools module ${join(folder, 'faulty.mjs')} tools[1] is number, not a tool`,
  ]);
});
