import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { holdfast } from './cli/command.ts';

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

test('each of its commands does what it says', async () => {
  // As a checkout after `npm ci`.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  let at = folder;
  for (const command of commands.filter(line => !SERVED.includes(line))) {
    const [, args, directory] = /^npx holdfast (.*)$|^cd (.*)$/.exec(command) ?? [];
    if (directory !== undefined) at = join(at, directory);
    else if (args !== undefined) {
      const from = args.includes('examples/') ? folder : at;
      const ended = await holdfast(from, args.split(' '));
      expect([command, ended.code, ended.stderr]).toEqual([command, 0, '']);
    } else {
      const { status, stdout } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
      expect([status, stdout]).toEqual([0, expect.stringContaining('6 words; most often: to (2), be (2)')]);
    }
  }
  expect(commands.filter(line => SERVED.includes(line))).toEqual(SERVED);
});
