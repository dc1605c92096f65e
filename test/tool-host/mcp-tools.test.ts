import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeTools } from '../../src/tool-host/describe.ts';
import { closeWorkspace, type OpenOptions } from '../../src/tool-host/launch.ts';
import {
  errorText,
  isRunning,
  linesOf,
  request,
  textOf,
  toolEnv,
  until,
  untilFile,
  useHosts,
} from './hosts.ts';

const SERVER = fileURLToPath(new URL('./mcp-fixture-server.ts', import.meta.url));
const hosts = useHosts('shared');
let made = 0;

/** A module with the server and a tool of its own, and what describing it has told. */
async function describeModule(entry: string) {
  made += 1;
  const toolsModule = join(hosts.stateDir, `tools-${made}.mjs`);
  const starts = join(hosts.stateDir, `starts-${made}`);
  const mcp = JSON.stringify({ command: process.execPath, args: [SERVER, starts] });
  await writeFile(
    toolsModule,
    `export default { tools: [
      { name: 'own', input_schema: { type: 'object' }, run: () => 'mine' },
      { mcp: ${mcp}, ${entry} },
    ] };`,
  );
  const served = await describeTools({ toolsModule, toolEnv: toolEnv() });
  if (served.kind === 'broken') throw new Error(served.message);
  return { toolsModule, starts, served };
}

let plain: ReturnType<typeof describeModule> | undefined;

/** A session of its own, with the server's tools as they are. */
async function session(sessionId: string, extra: Partial<OpenOptions> = {}, entry?: string) {
  plain ??= describeModule('');
  const described = await (entry === undefined ? plain : describeModule(entry));
  const { toolsModule, served, starts } = described;
  const opened = await hosts.open({ sessionId, toolsModule, served, ...extra });
  const client = hosts.client(opened);
  let calls = 0;
  const call = (name: string, input: unknown = {}, limits = {}) =>
    hosts.call(client, `call_${++calls}`, name, input, limits);
  const file = join(hosts.stateDir, `${sessionId}.effects`);
  /** Pids of the servers that this session has started. */
  const servers = async (): Promise<number[]> =>
    (await linesOf(starts))
      .filter(line => line.endsWith(` ${opened.workspace}`))
      .map(line => Number.parseInt(line, 10));
  return { ...described, opened, client, call, file, servers };
}

describe('tools of a local MCP server', () => {
  test('are served beside others on the terms of their entry, and cost no process before their first call', async () => {
    const entry = "tools: ['add', 'count'], prefix: 'calc_', timeoutMs: 9000, idempotent: ['add']";
    const { served, opened, call, servers } = await session('terms', {}, entry);
    expect(served.tools).toEqual(opened.tools);
    expect(opened.tools.slice(-3)).toEqual([
      { name: 'own', timeoutMs: 150_000, idempotent: false, locks: [] },
      { name: 'calc_add', timeoutMs: 9_000, idempotent: true, locks: [] },
      { name: 'calc_count', timeoutMs: 9_000, idempotent: false, locks: [] },
    ]);
    expect(await servers()).toEqual([]);
    expect(textOf(await call('calc_add', { a: 2, b: 3 }))).toBe('5');
    expect(textOf(await call('calc_count'))).toBe('1');
    expect(textOf(await call('calc_count'))).toBe('2');
    expect(textOf(await call('own'))).toBe('mine');
    expect(await servers()).toHaveLength(1);
  });

  test('are asked for by the host itself where nobody has listed them before', async () => {
    const { call, servers } = await session('unlisted', { served: {} });
    expect(await servers()).toHaveLength(1);
    expect(textOf(await call('add', { a: 1, b: 1 }))).toBe('2');
    expect(await servers()).toHaveLength(1);
  });

  test('are checked against their schema, and may say themselves that they failed', async () => {
    const { call, client } = await session('refusals');
    expect(errorText(await call('add', { a: 'two' }))).toMatch(/^Error: invalid input for add: /);
    expect(errorText(await call('fails'))).toBe('no such city');
    const log = await client.log('call_2');
    expect(log.kind === 'log' ? Buffer.from(log.bytes).toString() : '').toBe('about to fail\n');
  });

  test('answer with the content that the API takes, and with words for what it does not', async () => {
    const { call } = await session('kinds');
    expect(await call('kinds')).toMatchObject({
      isError: false,
      content: [
        { type: 'text', text: 'words' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'text', text: '[audio/mpeg of 3 bytes left out: the API has no block for it]' },
        { type: 'text', text: 'log: file:///var/log/x' },
        { type: 'document', source: { type: 'text', data: '{}' } },
      ],
    });
  });

  test('see the workspace and the environment of tools, and nothing of the worker', async () => {
    const toolEnvironment = toolEnv({ CITY: 'Bern', ANTHROPIC_API_KEY: 'k', HOLDFAST_KEY: 'k' });
    const { call, opened } = await session('surroundings', { toolEnv: toolEnvironment });
    const { env, cwd } = JSON.parse(textOf(await call('surroundings')));
    expect(cwd).toBe(opened.workspace);
    expect(env).toMatchObject({ CITY: 'Bern', HOLDFAST_HOST: opened.incarnation });
    const ours = Object.keys(env).filter(name => /^(ANTHROPIC|TEMPORAL|HOLDFAST)_/.test(name));
    expect(ours).toEqual(['HOLDFAST_HOST']);
  });

  test('that died are an error with exit status and last words, and the next call finds a new server', async () => {
    const { call, servers } = await session('dies');
    expect(textOf(await call('count'))).toBe('1');
    expect(errorText(await call('dies'))).toBe(
      'Error: the MCP server ended with exit code 3; it said: out of cheese',
    );
    expect(textOf(await call('count'))).toBe('1');
    expect((await servers()).map(isRunning)).toEqual([false, true]);
  });

  test('that answer nonsense are an error that shows it, and the server goes on', async () => {
    const { call, client } = await session('nonsense');
    expect(textOf(await call('count'))).toBe('1');
    expect(errorText(await call('nonsense'))).toMatch(
      /^Error: the MCP server failed: .*it answered what is no MCP message: \{"jsonrpc":"2.0","id":\d+,"result":"not an object"\}/,
    );
    expect(textOf(await call('chatter'))).toBe('done');
    const log = await client.log('call_3');
    expect(log.kind === 'log' ? Buffer.from(log.bytes).toString() : '').toContain(
      '[no MCP message] Listening on port 3000\n[no MCP message] {"half":\n',
    );
    expect(textOf(await call('count'))).toBe('2');
  });

  test('that print without end are ended and say why, and a sibling in another server does not notice', async () => {
    const [flooded, sibling] = await Promise.all([session('flooded'), session('sibling')]);
    const { client } = sibling;
    await client.startOrAttach('waits', request('waits', { file: sibling.file }, { waitMs: 0 }));
    expect(errorText(await flooded.call('binary'))).toMatch(
      /^Error: the MCP server wrote 3\d{7} bytes without a line end/,
    );
    expect(textOf(await flooded.call('count'))).toBe('1');
    expect(await client.startOrAttach('waits', request('waits', {}, { waitMs: 0 }))).toMatchObject({
      kind: 'running',
    });
  });

  test('whose server closes its input do not wait for an answer that cannot come', async () => {
    const { call, client, file } = await session('deaf');
    await client.startOrAttach('deaf', request('deaf', { file }, { waitMs: 0 }));
    await until('its input is closed', async () => ((await linesOf(file)).length > 0 ? true : undefined));
    // The next request meets the closed pipe: neither would ever be answered.
    expect(errorText(await call('count'))).toBe('Error: the MCP server closed its standard input');
    expect(await client.startOrAttach('deaf', request('deaf', {}))).toMatchObject({
      outcome: { isError: true, content: [{ text: 'Error: the MCP server closed its standard input' }] },
    });
    expect(textOf(await call('count'))).toBe('1');
  });

  test('are told to cancel by a stop, and the server stays for their siblings', async () => {
    const { call, client, file, servers } = await session('cancelled');
    await client.startOrAttach('stopped', request('waits', { file }, { waitMs: 0 }));
    await until('it waits', async () => ((await linesOf(file)).length === 1 ? true : undefined));
    expect(textOf(await call('count'))).toBe('1');
    expect(await client.stop('stopped', 'interrupt')).toMatchObject({
      kind: 'stopped',
      outcome: { kind: 'stopped', evidence: { lastLines: ['[the MCP server was told to cancel the call]'] } },
    });
    expect(await linesOf(file)).toEqual(['begun', 'cancelled']);
    expect(textOf(await call('count'))).toBe('2');
    expect(await servers()).toHaveLength(1);
  });

  test('that are stuck are ended with their server by a stop, and the next call finds a new one', async () => {
    const { call, client, file, servers } = await session('stuck');
    await client.startOrAttach('stuck', request('stuck', { file }, { waitMs: 0 }));
    await until('it is stuck', async () => ((await linesOf(file)).length === 1 ? true : undefined));
    const { outcome } = (await client.stop('stuck', 'interrupt')) as { outcome?: unknown };
    expect(outcome).toMatchObject({
      kind: 'stopped',
      evidence: { lastLines: ['[the MCP server was ended]'] },
    });
    expect(textOf(await call('count'))).toBe('1');
    expect(textOf(await call('own'))).toBe('mine');
    expect((await servers()).map(isRunning)).toEqual([false, true]);
  });

  test('that take too long are an error with what was heard of them', async () => {
    const { call, file } = await session('late');
    expect(textOf(await call('count'))).toBe('1');
    expect(errorText(await call('waits', { file }, { timeoutMs: 500 }))).toBe(
      'Error: waits timed out after 500 ms and was ended; its last output: [the MCP server was told to cancel the call]',
    );
  });

  test('leave no process when the host ends, whatever they started', async () => {
    const { call, opened, servers, file } = await session('leaves');
    expect(textOf(await call('orphan', { file }))).toBe('left');
    const orphan = Number(await untilFile(file));
    expect(isRunning(orphan)).toBe(true);
    const { stateDir } = hosts;
    const { incarnation } = opened;
    await closeWorkspace({ stateDir, sessionId: 'leaves', incarnation, killRunning: true, graceMs: 0 });
    expect([...(await servers()), orphan].map(isRunning)).toEqual([false, false]);
  });
});

describe('an MCP server that cannot be used is told of before anything is served', () => {
  const broken = async (source: string, extra: Record<string, unknown> = {}) => {
    const toolsModule = join(hosts.stateDir, 'tools.mjs');
    await writeFile(toolsModule, `export default { tools: [${source}] };`);
    const told = await describeTools({ toolsModule, toolEnv: toolEnv(), ...extra });
    return told.kind === 'broken' ? told.message.replace(toolsModule, 'MODULE') : told.kind;
  };
  const script = (code: string) => JSON.stringify({ command: 'sh', args: ['-c', code] });

  test.each([
    [
      'is not there',
      '{ mcp: { command: "no-such-server" } }',
      'tools[0] (mcp "no-such-server"): the MCP server did not start: spawn no-such-server ENOENT',
    ],
    [
      'ends at once',
      `{ mcp: ${script('echo no token >&2; exit 2')} }`,
      'the MCP server ended with exit code 2; it said: no token',
    ],
    [
      'never answers',
      `{ mcp: ${script('exec sleep 60')}, startMs: 300 }`,
      'the MCP server did not answer within 300 ms',
    ],
    [
      'speaks something else',
      `{ mcp: ${script('yes hello')}, startMs: 300 }`,
      'the MCP server did not answer within 300 ms; it said: [no MCP message] hello',
    ],
    [
      'has no such tool',
      `{ mcp: ${JSON.stringify({ command: process.execPath, args: [SERVER] })}, tools: ['ad'] }`,
      'names "ad", which its server does not have: add, count, ',
    ],
    [
      'has the name of another',
      `{ name: 'add', run: () => 'x' }, { mcp: ${JSON.stringify({ command: process.execPath, args: [SERVER] })} }`,
      'has two tools named "add"; give the server a `prefix` to rename one',
    ],
    ['has no command', '{ mcp: {} }', 'has an `mcp` without a `command`: write'],
    [
      'is given a key',
      '{ mcp: { command: "x", env: { ANTHROPIC_API_KEY: "k" } } }',
      'with ANTHROPIC_API_KEY: credentials never reach tools',
    ],
  ])('when it %s', async (_, source, expected) => {
    const message = await broken(source);
    expect(message).toContain(expected);
    expect(message).toMatch(/^the tools module MODULE /);
  });
});
