import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeProject } from '../../src/cli/init-project.ts';
import { inspectTools } from '../../src/tool-host/inspect.ts';
import { toolEnv } from '../tool-host/hosts.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hfc-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string) => readFileSync(join(folder, file), 'utf8');

test('an empty folder gets a module, an .env without secrets and a package, and what is written is right', async () => {
  const { lines, next } = writeProject(folder);
  expect(lines.map(line => line.split(':')[0])).toEqual([
    'wrote tools.ts',
    'wrote .env',
    'wrote .gitignore',
    'wrote package.json',
  ]);
  expect(next).toEqual(['npm install', 'npx holdfast up']);
  expect(read('.gitignore').split('\n')).toContain('.env');
  expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  expect(read('.env')).toMatch(/^HOLDFAST_TOOLS=.\/tools.ts$/m);
  expect(read('.env')).toMatch(/^ANTHROPIC_API_KEY=$/m);
  const { scripts, dependencies } = JSON.parse(read('package.json'));
  expect(scripts).toEqual({ holdfast: 'holdfast up' });
  expect(Object.keys(dependencies)).toEqual(['@anthropic-ai/sdk', 'holdfast']);
  // As `npm install` would do it.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const report = await inspectTools({ toolsModule: join(folder, 'tools.ts'), toolEnv: toolEnv() });
  expect(report).toMatchObject({
    problems: [],
    tools: [{ served: { name: 'word_count', idempotent: true } }],
  });
});

test('nothing is overwritten, and what was left alone is said', () => {
  const mine = {
    'tools.js': 'export default {};',
    '.env': 'A=1',
    '.gitignore': 'dist',
    'package.json': '{\n\t"name": "mine",\n\t"scripts": {\n\t\t"test": "vitest"\n\t}\n}\n',
  };
  for (const [file, text] of Object.entries(mine)) writeFileSync(join(folder, file), text);
  expect(writeProject(folder).lines).toEqual([
    'left tools.js alone: it is there',
    'left .env alone: it is there; add HOLDFAST_TOOLS=./tools.js to it',
    'added .env to .gitignore',
    'added the script "holdfast" to package.json',
  ]);
  for (const file of ['tools.js', '.env'] as const) expect(read(file)).toBe(mine[file]);
  expect(read('.gitignore')).toBe('dist\n.env\n');
  expect(read('package.json')).toBe(
    '{\n\t"name": "mine",\n\t"scripts": {\n\t\t"test": "vitest",\n\t\t"holdfast": "holdfast up"\n\t}\n}\n',
  );
  expect(writeProject(folder).lines.slice(2)).toEqual([
    'left .gitignore alone: it names .env',
    'left package.json alone: it has a script "holdfast"',
  ]);
  expect(read('.gitignore')).toBe('dist\n.env\n');
});

test('a package.json that cannot be read is left alone', () => {
  writeFileSync(join(folder, 'package.json'), '{ // mine');
  expect(writeProject(folder).lines.at(-1)).toBe('left package.json alone: it is not JSON');
  expect(read('package.json')).toBe('{ // mine');
});

test('a folder of a package that has holdfast gets no package of its own, which would hide the command', () => {
  writeFileSync(join(folder, 'package.json'), '{}');
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', '.bin', 'holdfast'), '');
  symlinkSync(join(ROOT, 'node_modules', '@anthropic-ai'), join(folder, 'node_modules', '@anthropic-ai'));
  const { lines, next } = writeProject(join(folder, 'agent'));
  expect(lines.at(-1)).toBe('wrote no package.json: this folder belongs to a package that has holdfast');
  expect(next).toEqual(['npx holdfast tools --check', 'npx holdfast up']);
  expect(existsSync(join(folder, 'agent', 'package.json'))).toBe(false);
});
