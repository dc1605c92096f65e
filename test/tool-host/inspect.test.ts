import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectTools, missingPrograms } from '../../src/tool-host/inspect.ts';
import { toolEnv } from './hosts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Its faults, the module's name left out. */
async function faultsOf(name: string, text: string | undefined): Promise<string[]> {
  const toolsModule = join(folder, name);
  if (text !== undefined) writeFileSync(toolsModule, text);
  const options = { toolsModule, toolEnv: toolEnv() };
  const report = await inspectTools(options);
  const faults = [...report.problems, ...(await missingPrograms(report, options))];
  for (const fault of faults) expect(fault).toContain(`the tools module ${toolsModule} `);
  return faults.map(fault => fault.replace(`the tools module ${toolsModule} `, ''));
}

describe('what is wrong with a tools module', () => {
  test('is told of every tool, with the mend', async () => {
    const text = `
      const run = () => 'x';
      export default { tools: [
        { name: 'good', run },
        { tool: { name: 'late', run }, timeoutMs: '5s' },
        { name: 'bash', run },
        { exec: 'python3', name: 'mute', inputSchema: {} },
        { name: 'good', run },
        5,
        { mcp: { args: [] } },
      ] };`;
    expect(await faultsOf('tools.mjs', text)).toEqual([
      'tools[1] ("late") has a `timeoutMs` that is not a positive number of milliseconds',
      'tools[2] is named "bash", which is a built-in tool; rename it',
      'tools[3] ("mute") has no description: say in `description` what the program does',
      'has two tools named "good"; rename one',
      'tools[5] is number, not a tool',
      'tools[6] has an `mcp` without a `command`: write { mcp: { command: "program", args: [ … ] } }',
    ]);
  });

  test('may be a schema that is none, or a program that is not there', async () => {
    const fields = "description: 'd', inputSchema: { type: 'object' }";
    const text = `export default { tools: [
      { name: 'odd', input_schema: { type: 'objekt' }, run: () => 'x' },
      { exec: './no-such.py', name: 'gone', ${fields} },
      { exec: 'no-such-program', name: 'away', ${fields} },
      { exec: 'sh', name: 'there', ${fields} },
    ] };`;
    expect(await faultsOf('tools.mjs', text)).toEqual([
      expect.stringMatching(/^has a bad input schema for "odd": /),
      `has a program for "gone" that is not found: ${join(folder, 'no-such.py')}; make it an executable file`,
      'has a program for "away" that is not found: no-such-program; install it, or give its path',
    ]);
  });

  test.each([
    ['is not there', undefined, 'is not there; give the path of the file'],
    [
      'has a slip',
      'const a = 1;\nexport default { tools: [ };',
      'failed to load: Expression expected (line 2)',
    ],
    [
      'throws',
      'const a: string = "";\nthrow new Error("no licence");',
      'failed to load: no licence (line 2)',
    ],
    [
      'wants a package',
      "import 'no-such-package';",
      expect.stringMatching(/^failed to load: Cannot find package .*; npm install no-such-package$/),
    ],
  ])('tells where, when it %s', async (_, text, told) => {
    expect(await faultsOf('tools.ts', text)).toEqual([told]);
  });
});
