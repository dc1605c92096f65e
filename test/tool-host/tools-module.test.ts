import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Description, describeTools } from '../../src/tool-host/describe.ts';
import type { OpenOptions } from '../../src/tool-host/launch.ts';
import { errorText, FIXTURE_TOOLS, textOf, toolEnv, useHosts } from './hosts.ts';

const hosts = useHosts();

async function describeSource(source: string, extra: { timeoutMs?: number } = {}): Promise<Description> {
  const toolsModule = join(hosts.stateDir, 'tools.mjs');
  await writeFile(toolsModule, source);
  return describeTools({ toolsModule, toolEnv: toolEnv(), ...extra });
}

const TOOL = "{ name: 'say', input_schema: { type: 'object' }, run: () => 'x' }";

describe('describeTools', () => {
  test('without a module tells the built-in tools and what they take of the workspace', async () => {
    const told = await describeTools({ toolEnv: toolEnv() });
    expect(told).toMatchObject({ kind: 'described', moduleHash: '' });
    const tools = told.kind === 'described' ? told.tools : [];
    expect(tools.filter(tool => tool.idempotent).map(tool => tool.name)).toEqual(['read', 'glob', 'grep']);
    expect(tools.map(tool => tool.timeoutMs)).toEqual(Array(6).fill(150_000));
    expect(tools[0]?.locks).toEqual([{ resource: 'workspace', mode: 'exclusive' }]);
  });

  test('tells what openWorkspace tells, with the policies of the module', async () => {
    const told = await describeTools({ toolsModule: FIXTURE_TOOLS, toolEnv: toolEnv() });
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS });
    const { tools, moduleHash } = opened;
    expect(told).toEqual({ kind: 'described', tools, moduleHash, mcpLists: {} });
    const byName = new Map(opened.tools.map(tool => [tool.name, tool]));
    expect(byName.get('noop')).toEqual({ name: 'noop', timeoutMs: 150_000, idempotent: false, locks: [] });
    expect(byName.get('effect')).toEqual({
      name: 'effect',
      timeoutMs: 60_000,
      idempotent: false,
      locks: [{ pathFrom: 'file', mode: 'exclusive' }],
    });
    expect(byName.get('greet')).toMatchObject({ idempotent: true, timeoutMs: 150_000 });
  });

  test('gives another hash when the module or what it imports by path has changed', async () => {
    const helper = join(hosts.stateDir, 'helper.mjs');
    const source = `import { text } from './helper.mjs'; export default { tools: [${TOOL.replace("'x'", 'text')}] };`;
    const hashes: string[] = [];
    for (const text of ['a', 'b', 'a']) {
      await writeFile(helper, `export const text = '${text}';`);
      const told = await describeSource(source);
      hashes.push(told.kind === 'described' ? told.moduleHash : told.message);
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).not.toBe(hashes[0]);
    expect(hashes[2]).toBe(hashes[0]);
  });

  test.each([
    ['that throws', 'throw new Error("no database");', 'failed to load: no database'],
    ['that is no JavaScript', 'export default {', 'failed to load: '],
    [
      'without a default export',
      'export const tools = [];',
      'has no default export; write `export default {',
    ],
    ['that exports a list', `export default [${TOOL}];`, 'has a default export without `tools`; write'],
    ['without tools', 'export default { tools: [] };', 'exports no tools; add one, or leave the module out'],
    [
      'with a tool that is none',
      'export default { tools: [{ name: "say" }] };',
      'tools[0] ("say") is not a tool: use',
    ],
    [
      'with nothing for a tool',
      `export default { tools: [${TOOL}, undefined] };`,
      'tools[1] is undefined, not a tool',
    ],
    [
      'with two tools of one name',
      `export default { tools: [${TOOL}, { tool: ${TOOL} }] };`,
      'has two tools named "say"',
    ],
    [
      "with a built-in's name",
      `export default { tools: [${TOOL.replace('say', 'bash')}] };`,
      'tools[0] is named "bash", which is',
    ],
    [
      'with a bad timeout',
      `export default { tools: [{ tool: ${TOOL}, timeoutMs: '5s' }] };`,
      'has a `timeoutMs`',
    ],
    ['with bad locks', `export default { tools: [{ tool: ${TOOL}, locks: ['db'] }] };`, 'has bad `locks`'],
    [
      'with an exec without a schema',
      'export default { tools: [{ exec: "ls", name: "l", description: "d" }] };',
      'has no inputSchema',
    ],
    [
      'with a schema that is none',
      `export default { tools: [${TOOL.replace("type: 'object'", "type: 'objekt'")}] };`,
      'has a bad input schema for "say"',
    ],
  ])('refuses a module %s, and names the file', async (_, source, expected) => {
    const told = await describeSource(source);
    expect(told.kind).toBe('broken');
    const message = told.kind === 'broken' ? told.message : '';
    expect(message).toContain(`the tools module ${join(hosts.stateDir, 'tools.mjs')} `);
    expect(message).toContain(expected);
  });

  test('refuses a module that ends its process or never finishes loading', async () => {
    const exits = await describeSource('process.exit(5);');
    expect(exits).toMatchObject({
      message: expect.stringContaining('ended its process while it loaded (exit code 5)'),
    });
    const loops = await describeSource('for (;;);', { timeoutMs: 500 });
    expect(loops).toMatchObject({ message: expect.stringContaining('did not finish loading within 500 ms') });
  });

  test('refuses a module that is not there', async () => {
    const toolsModule = join(hosts.stateDir, 'none.mjs');
    const told = await describeTools({ toolsModule, toolEnv: toolEnv() });
    expect(told).toMatchObject({
      kind: 'broken',
      message: `the tools module ${toolsModule} is not there; give the path of the file`,
    });
  });

  test('lets a module print and see nothing of the worker', async () => {
    const source = `
      console.log('{"kind":"described","tools":[]}');
      if (process.env.ANTHROPIC_API_KEY || process.env.HOLDFAST_KEY) throw new Error('saw a key');
      export default { tools: [${TOOL}] };`;
    const toolsModule = join(hosts.stateDir, 'tools.mjs');
    await writeFile(toolsModule, source);
    const told = await describeTools({
      toolsModule,
      toolEnv: toolEnv({ ANTHROPIC_API_KEY: 'a', HOLDFAST_KEY: 'b' }),
    });
    expect(told.kind === 'described' ? told.tools.at(-1)?.name : told.message).toBe('say');
  });
});

describe('an exec tool', () => {
  const hosts = useHosts('shared');
  let calls = 0;
  const nextId = (): string => {
    calls += 1;
    return `call_${calls}`;
  };

  async function script(text: string, extra: Partial<OpenOptions> = {}, timeoutMs = 60_000) {
    const opened = await hosts.open({
      toolsModule: FIXTURE_TOOLS,
      toolEnv: toolEnv({ HOLDFAST_KEY: 'k' }),
      ...extra,
    });
    const client = hosts.client(opened);
    const id = nextId();
    const outcome = await hosts.call(client, id, 'shell-script', { script: text }, { timeoutMs });
    return { client, id, opened, outcome };
  }

  test('reads its input as JSON and answers with what it prints (Python)', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const id = nextId();
    expect(textOf(await hosts.call(client, id, 'greet', { name: 'Ada' }))).toBe('hello Ada\n');
    expect(await client.log(id)).toMatchObject({ bytes: Buffer.from('working\n') });
  });

  test('may answer with content blocks, and with an error of its own', async () => {
    const two = {
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    };
    const { client, outcome } = await script(`echo '${JSON.stringify(two)}'`);
    expect(outcome).toMatchObject({ isError: false, content: two.content });
    const refusal = { content: 'no', is_error: true };
    const refused = await hosts.call(client, nextId(), 'shell-script', {
      script: `echo '${JSON.stringify(refusal)}'`,
    });
    expect(errorText(refused)).toBe('no');
  });

  test.each([
    ['that begins like an answer and is none', `echo '{"content": 5}'`, '{"content": 5}\n'],
    ['that is half an answer', `printf '{"content": [{"type": "te'`, '{"content": [{"type": "te'],
    [
      'that is two answers',
      `echo '{"content": "a"}'; echo '{"content": "b"}'`,
      '{"content": "a"}\n{"content": "b"}\n',
    ],
    ['that is binary', `printf 'a\\377\\000b'`, 'a\uFFFD\0b'],
  ])('whose output is something %s is answered with what it printed', async (_, command, text) => {
    const { outcome } = await script(command);
    expect(outcome).toMatchObject({ isError: false, content: [{ type: 'text', text }] });
  });

  test('that closes its input unread does no harm', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const large = { name: 'x'.repeat(1_000_000) };
    expect(textOf(await hosts.call(client, nextId(), 'deaf', large))).toBe('did not listen\n');
  });

  test('that prints without end costs only its own call, and is an error that shows what it printed', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const endless = hosts.call(
      client,
      nextId(),
      'shell-script',
      { script: 'yes forever' },
      { timeoutMs: 4_000 },
    );
    const sibling = await hosts.call(client, nextId(), 'shell-script', { script: 'echo fine' });
    expect(textOf(sibling)).toBe('fine\n');
    expect(errorText(await endless)).toMatch(
      /^Error: shell-script timed out after 4000 ms and was ended; its last output: .*\nforever\n/,
    );
  });

  test('that fails is an error with the end of its standard error', async () => {
    const { outcome } = await script('echo out; echo cannot >&2; exit 9');
    expect(errorText(outcome)).toBe('Error: shell-script ended with exit code 9: cannot');
  });

  test('that prints nothing and that is killed are told apart', async () => {
    const { client, outcome } = await script('true');
    expect(textOf(outcome)).toBe('(no output)');
    const killed = await hosts.call(client, nextId(), 'shell-script', { script: 'kill -9 $$' });
    expect(errorText(killed)).toBe('Error: shell-script was killed by SIGKILL');
  });

  test('that runs too long is killed with its whole group, and its log kept', async () => {
    const { client, id, outcome } = await script('echo waiting >&2; sleep 300 & sleep 300', {}, 5_000);
    expect(errorText(outcome)).toBe(
      'Error: shell-script timed out after 5000 ms and was ended; its last output: waiting',
    );
    expect(await client.log(id)).toMatchObject({ bytes: Buffer.from('waiting\n') });
  });

  test('is not kept waiting by what it leaves behind', async () => {
    const { outcome } = await script('sleep 300 & echo done');
    expect(textOf(outcome)).toBe('done\n');
  });

  test('with a large output is cut in bounded memory', async () => {
    const { outcome } = await script('yes | head -c 50000000', {
      sessionId: 'small',
      limits: { maxResultBytes: 10_000 },
    });
    expect(textOf(outcome)).toMatch(
      /^[y\n]+\[\d+ of 50000000 characters left out here: the result was too large\]\n[y\n]+$/,
    );
    expect(textOf(outcome).length).toBeLessThan(10_500);
  });

  test('whose program is missing is an error', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const text = errorText(await hosts.call(client, nextId(), 'missing', {}));
    expect(text).toMatch(/^Error: missing did not start: .*ENOENT/);
  });

  test('sees its call, its host and the allowed environment, in the workspace', async () => {
    const { id, opened, outcome } = await script('pwd; env | grep HOLDFAST_ | sort');
    expect(textOf(outcome)).toBe(
      `${opened.workspace}\nHOLDFAST_CALL=${id}\nHOLDFAST_HOST=${opened.incarnation}\n`,
    );
  });
});
