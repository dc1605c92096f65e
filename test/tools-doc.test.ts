import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type Ended, holdfast } from './cli/command.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/tools.md'), 'utf8');
const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

/** Run in test/e2e/own-tools.test.ts, with an emulator, a Temporal server and ports of the test's own. */
const SERVED = [
  'npx holdfast emulator --port 8787 --script examples/own-tools/session.json',
  'export ANTHROPIC_API_KEY=any ANTHROPIC_BASE_URL=http://127.0.0.1:8787',
  'HOLDFAST_TOOLS=examples/own-tools/tools.ts npx holdfast up',
  `curl -s http://127.0.0.1:8787/_emulator/sessions -d '{ "message": "go" }'`,
  'npx holdfast start sesn_… --wait',
];

const folder = mkdtempSync(join(tmpdir(), 'hfc-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the page on tools shows its examples as they are', () => {
  const shown = [...page.matchAll(/<!-- (examples\/\S+) -->\n```\w+\n([\s\S]*?)```/g)];
  expect(shown.map(([, file]) => file)).toEqual(
    ['tools.ts', 'word_count.py', 'notes-server.ts'].map(name => `examples/own-tools/${name}`),
  );
  for (const [, file = '', text] of shown) expect(text).toBe(readFileSync(join(ROOT, file), 'utf8'));
});

/** Rows of the listing, cells parted by bars. */
function rowsOf({ stdout }: Ended): string[] {
  return stdout
    .trim()
    .split('\n')
    .map(line => line.replace(/ {2,}/g, ' | '));
}

test('each of its commands does what it says', { timeout: 240_000 }, async () => {
  // As a checkout after `npm ci`.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  const [init = '', enter = '', check = '', checkExample = '', printExample = '', byHand = '', ...served] =
    commands;
  const run = async (command: string, at = folder) => {
    expect(command).toMatch(/^npx holdfast /);
    const ended = await holdfast(at, command.split(' ').slice(2));
    expect([command, ended.code, ended.stderr]).toEqual([command, 0, '']);
    return ended;
  };
  const own = async () => {
    await run(init);
    expect(enter).toBe('cd my-agent');
    return run(check, join(folder, 'my-agent'));
  };
  const [checked, listed, printed] = await Promise.all([own(), run(checkExample), run(printExample)]);

  expect(rowsOf(checked).at(-1)).toBe('word_count | function | 30s | yes | – | How many words a text has');
  const rows = rowsOf(listed);
  expect(rows.slice(0, 2)).toEqual([
    'NAME | KIND | TIMEOUT | IDEMPOTENT | LOCKS | DESCRIPTION',
    'bash | built-in | 150s | no | workspace',
  ]);
  expect(rows.slice(-4)).toEqual([
    'shipping_cost | function | 10s | yes | – | What a parcel costs, in euros',
    'word_count | exec | 30s | yes | – | Counts the words of a text, or of a file in the workspace',
    'notes_add | mcp | 150s | no | notes | Adds a note',
    'notes_list | mcp | 150s | yes | notes | Lists the notes',
  ]);
  const told = JSON.parse(printed.stdout);
  expect(told).toMatchObject({ module: join(folder, 'examples/own-tools/tools.ts'), problems: [] });
  expect(told.tools.at(-2)).toMatchObject({
    name: 'notes_add',
    inputSchema: { type: 'object', properties: { note: { type: 'string' } }, required: ['note'] },
  });
  const { status, stdout } = spawnSync('sh', ['-c', byHand], { cwd: folder, encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringContaining('6 words; most often: to (2), be (2)')]);
  expect(served).toEqual(SERVED);
});
