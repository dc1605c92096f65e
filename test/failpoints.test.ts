import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILE, withTable } from '../scripts/failpoint-table.ts';
import { ConfigError, readConfig } from '../src/config.ts';
import { failpoint } from '../src/failpoint.ts';
import { FAILPOINT_NAMES } from '../src/failpoints.ts';
import { RECOVERY } from './e2e/support/crash-cases.ts';
import { until } from './support/until.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the list of failpoints', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && file !== 'failpoints.ts')
    .map(file => read(`src/${file}`));

  it.each(FAILPOINT_NAMES)('%s is a step of the code', name => {
    expect(sources.filter(text => text.includes(`'${name}'`))).toHaveLength(1);
  });

  // That each has a case is for the compiler to say: CRASH_CASES is a Record of all names.
  it('is tested: every area of cases has its file, and what has no road is named by its own tests', () => {
    for (const area of ['hearing', 'running', 'posting'])
      expect(read(`test/e2e/crash-${area}.test.ts`)).toContain(
        `describeCrashes(import.meta.url, ${area.toUpperCase()})`,
      );
    const recovery = read('test/e2e/crash-recovery.test.ts');
    for (const name of Object.keys(RECOVERY)) expect(recovery).toContain(`'${name}'`);
  });

  it('stands in docs/reliability.md as it is: `node scripts/failpoint-table.ts` writes it anew', () => {
    const text = readFileSync(FILE, 'utf8');
    expect(withTable(text)).toBe(text);
  });
});

describe('a failpoint', () => {
  let folder: string;
  const children: ReturnType<typeof spawn>[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hff-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** A process that comes to the point of session `s`, and says so in a file once it is past it. */
  function come(to: string, past: string): void {
    const module = new URL('../src/failpoint.ts', import.meta.url).href;
    const code = `
      import { writeFileSync } from 'node:fs';
      const { failpoint, turnOnFailpoints } = await import(${JSON.stringify(module)});
      turnOnFailpoints({ folder: ${JSON.stringify(folder)}, kind: 'worker' });
      await failpoint(${JSON.stringify(to)}, 's');
      writeFileSync(${JSON.stringify(join(folder, past))}, '');`;
    children.push(spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' }));
  }

  it('that is off is nothing to wait for', () => {
    expect(failpoint('run.begun', 's')).toBeUndefined();
  });

  it('holds one process of all that come to it, until it is let go', async () => {
    writeFileSync(join(folder, 'run.begun@s'), '');
    for (const past of ['.a', '.b', '.c']) come('run.begun', past);
    const passed = () => readdirSync(folder).filter(name => /^\.[abc]$/.test(name)).length;
    await until('two have passed', () => passed() === 2);
    const held = join(folder, 'run.begun@s.held');
    const { pid, kind } = JSON.parse(readFileSync(held, 'utf8')) as { pid: number; kind: string };
    expect(kind).toBe('worker');
    expect(children.map(child => child.pid)).toContain(pid);
    rmSync(held);
    await until('the third has passed', () => passed() === 3);
  });

  it('that is armed for any session holds, one for another session does not', async () => {
    writeFileSync(join(folder, 'run.begun'), '');
    writeFileSync(join(folder, 'post.unsent@other'), '');
    come('run.begun', '.a');
    come('post.unsent', '.b');
    await until('one is held', () => existsSync(join(folder, 'run.begun.held')));
    await until('one has passed', () => existsSync(join(folder, '.b')));
    expect(existsSync(join(folder, '.a'))).toBe(false);
  });
});

describe('HOLDFAST_FAILPOINTS', () => {
  it('is off where it is not set', () => {
    expect(readConfig({}).failpoints).toBeUndefined();
  });

  it('that is no folder, or arms what does not exist, is refused, naming the points that do', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hff-'));
    try {
      expect(readConfig({ HOLDFAST_FAILPOINTS: folder }).failpoints).toBe(folder);
      expect(() => readConfig({ HOLDFAST_FAILPOINTS: join(folder, 'x') })).toThrow(ConfigError);
      writeFileSync(join(folder, 'outcome.durable@s'), '');
      expect(readConfig({ HOLDFAST_FAILPOINTS: folder }).failpoints).toBe(folder);
      writeFileSync(join(folder, 'outcome.endurable'), '');
      expect(() => readConfig({ HOLDFAST_FAILPOINTS: folder })).toThrow(
        /outcome\.endurable names no failpoint; there are .*outcome\.durable/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
