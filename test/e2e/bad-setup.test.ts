/** Tools modules, machines and flags that are wrong: one clear line that names them, and exit code 2 or 1 (§9). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, onlyLine, takenPort } from './support/failing.ts';
import { createWorld, type World } from './support/world.ts';

let w: World;
beforeAll(async () => {
  w = await createWorld(import.meta.url);
});
afterAll(() => w.end());

const tool = (name: string) => `{ name: '${name}', input_schema: { type: 'object' }, run: () => 'x' }`;

describe.concurrent('a tools module that cannot be used: the worker refuses to start, exit 2', () => {
  const modules: [string, string, string][] = [
    ['fails to load', 'export default {;', 'failed to load'],
    ['throws while it loads', "throw new Error('no licence');", 'failed to load: no licence'],
    ['exports nothing', 'export const tools = [];', 'has no default export'],
    ['exports no tools', 'export default { tools: [] };', 'exports no tools'],
    ['has two of one name', `export default { tools: [${tool('twice')}, ${tool('twice')}] };`, '"twice"'],
    ['has a built-in’s name', `export default { tools: [${tool('bash')}] };`, '"bash"'],
    ['has what is no tool', "export default { tools: [{ name: 'half' }] };", '"half"'],
    ['ends the process', 'process.exit(4);', 'ended its process'],
  ];
  it.each(modules)('%s', async (name, text, told) => {
    const file = join(w.folder, `${name.replaceAll(/\W/g, '-')}.mjs`);
    writeFileSync(file, text);
    const { code, line } = await failure(w, ['worker'], { HOLDFAST_TOOLS: file });
    expect(code).toBe(2);
    expect(line).toContain(`the tools module ${file} `);
    expect(line).toContain(told);
  });

  it('is not there', async () => {
    const file = join(w.folder, 'missing.mjs');
    const { code, line } = await failure(w, ['worker'], { HOLDFAST_TOOLS: file });
    expect([code, line]).toEqual([2, expect.stringContaining(file)]);
  });
});

describe.concurrent('a machine that does not fit', () => {
  it('port in use: emulator and up name it, exit 1', async () => {
    const { port, close } = await takenPort();
    try {
      const emulator = await failure(w, ['emulator', '--port', `${port}`]);
      expect([emulator.code, emulator.line]).toEqual([1, expect.stringContaining(`port ${port}`)]);
      const exit = await w.run(['up', '--port', `${port}`], { TEMPORAL_ADDRESS: '' }).exit;
      expect(exit.code).toBe(1);
      expect(onlyLine(exit)).toContain(`${port}`);
    } finally {
      await close();
    }
  });

  it('a state folder that cannot be written: named, exit 2', async () => {
    // A file in the place of a folder stops root too.
    const file = join(w.folder, 'a-file');
    writeFileSync(file, '');
    for (const command of ['worker', 'up']) {
      const folder = join(file, 'state');
      const { code, line } = await failure(w, [command], { HOLDFAST_STATE_DIR: folder });
      expect([code, line]).toEqual([2, expect.stringContaining(`the state folder ${folder} cannot be used`)]);
    }
  });

  it('a state folder whose sockets have too long a path: named with what to do, exit 2', async () => {
    const folder = join(w.folder, 'd'.repeat(100));
    mkdirSync(folder);
    const { code, line } = await failure(w, ['worker'], { HOLDFAST_STATE_DIR: folder });
    expect(code).toBe(2);
    expect(line).toContain(folder);
    expect(line).toContain('bytes shorter (HOLDFAST_STATE_DIR)');
  });
});

describe.concurrent('flags and settings that are wrong: exit 2, named', () => {
  const flags: [string[], string][] = [
    [['start'], 'session'],
    [['start', 'sesn_1', '--max-idle', 'soon'], 'soon'],
    [['start', 'sesn_1', '--unknown'], '--unknown'],
    [['stop', 'sesn_1', '--grace', '5'], '5'],
    [['worker', '--roles', 'sessions,cook'], 'cook'],
    [['list', '--limit', '0'], '0'],
    [['up', '--port', '70000'], '70000'],
    [['emulator', '--port', 'x'], 'x'],
    [['no-such-command'], 'no-such-command'],
  ];
  it.each(flags)('holdfast %j', async (args, told) => {
    const exit = await w.run(args).exit;
    expect(exit.code).toBe(2);
    expect(exit.stdout).toBe('');
    expect(exit.stderr).toContain(told);
    expect(exit.stderr).not.toMatch(/\n\s+at /);
  });

  const settings: [string, string][] = [
    ['ANTHROPIC_BASE_URL', 'localhost'],
    ['HOLDFAST_TOOL_ENV', 'PATH,ANTHROPIC_API_KEY'],
    ['HOLDFAST_HOST_LOST', '1s'],
    ['HOLDFAST_TOOL_COMMAND', '["bwrap"'],
  ];
  it.each(settings)('%s=%s', async (name, value) => {
    const { code, line } = await failure(w, ['worker'], { [name]: value });
    expect([code, line]).toEqual([2, expect.stringContaining(name)]);
  });

  it('no key at all', async () => {
    const { code, line } = await failure(w, ['worker'], { ANTHROPIC_API_KEY: '' });
    expect([code, line]).toEqual([2, expect.stringContaining('ANTHROPIC_API_KEY')]);
  });
});
