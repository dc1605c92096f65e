/** I12: what a tool does to itself costs only its own call. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  close,
  errorText,
  FIXTURE_TOOLS,
  isRunning,
  linesOf,
  request,
  textOf,
  until,
  untilFile,
  useHosts,
} from './hosts.ts';

const hosts = useHosts();

describe('beside a healthy sibling', () => {
  const hosts = useHosts('shared');

  test.each([
    ['throw-error', {}, 'Error: it broke'],
    ['throw-string', {}, 'Error: just a string'],
    ['throw-odd', {}, 'Error: a value that cannot be shown'],
    [
      'return-undefined',
      {},
      'Error: the tool returned undefined, not a string or an array of content blocks',
    ],
    ['return-number', {}, 'Error: the tool returned number, not a string or an array of content blocks'],
    ['exit-process', {}, 'Error: the tool ended its process (exit code 3)'],
    ['reject-aside', {}, 'Error: the tool failed outside its call: nobody looked'],
    ['loop-for-ever', { timeoutMs: 200 }, 'Error: loop-for-ever timed out after 200 ms and was ended'],
    ['ignore-abort', { timeoutMs: 200 }, 'Error: ignore-abort timed out after 200 ms and was ended'],
    ['fill-memory', {}, 'Error: the tool used more than 64 MB of memory'],
    ['fill-buffers', {}, 'Error: the tool used more than 64 MB of memory'],
  ])('%s costs its own call alone (rows 2, 61)', async (name, extra, expected) => {
    const limits = { threadMemoryMb: 64, abortGraceMs: 100 };
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits });
    const client = hosts.client(opened);
    const file = join(opened.workspace, `beside ${name}`);
    const go = hosts.call(client, `beside ${name}`, 'effect', { file, ms: 600 });
    await untilFile(file);
    const outcome = await hosts.call(client, name, name, {}, extra);
    expect(errorText(outcome)).toBe(expected);
    expect(textOf(await go)).toBe('effect');
    expect(textOf(await hosts.call(client, `after ${name}`, 'noop', {}))).toBe('done');
    expect(await client.health({ timeoutMs: 5_000 })).toMatchObject({ pid: opened.hostPid, running: [] });
  });
});

// Threads share the process's descriptors: a sibling thread that wants one fails too, the host and processes do not.
test('a tool that takes all file descriptors does not make the host take its journal for lost', async () => {
  const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { journalCheckMs: 20 } });
  const client = hosts.client(opened);
  const sibling = hosts.call(client, 'sibling', 'bash', { command: 'touch begun; sleep 1; echo done' });
  await until('the sibling runs', () => existsSync(join(opened.workspace, 'begun')) || undefined);
  expect(textOf(await hosts.call(client, 'call_1', 'take-all-files', {}))).toBe('opened many');
  expect(textOf(await sibling)).toBe('done');
  expect(await client.health({ timeoutMs: 5_000 })).toMatchObject({ pid: opened.hostPid, running: [] });
});

describe('a result', () => {
  test('W-20: of 200 MB is cut, head and tail kept, and the host stays small', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { maxResultBytes: 100_000 } });
    const client = hosts.client(opened);
    const text = textOf(await hosts.call(client, 'call_1', 'return-huge', { bytes: 200_000_000 }));
    expect(text.length).toBeLessThan(100_000);
    expect(text.length).toBeGreaterThan(50_000);
    expect(text).toMatch(/^x+\n\[\d+ of 200000000 characters left out here: the result was too large\]\nx+$/);
    expect(textOf(await hosts.call(client, 'call_2', 'noop', {}))).toBe('done');
  });

  test('of large blocks keeps what fits and names what does not', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { maxResultBytes: 50_000 } });
    const client = hosts.client(opened);
    const text = textOf(await hosts.call(client, 'call_1', 'return-huge-blocks', { bytes: 40_000 }));
    expect(text).toContain('y'.repeat(40_000));
    expect(text).toMatch(/\[a content block of 40\d{3} bytes left out: the result was too large\]$/);
  });

  test('that is empty or cannot be shown is still an answer', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    expect(textOf(await hosts.call(client, 'call_1', 'return-empty', {}))).toBe('(no output)');
    const cycle = await hosts.call(client, 'call_2', 'return-cycle', {});
    expect(textOf(cycle)).toContain('left out');
  });

  test('keeps every block the API takes, and makes text of others (rows 32-37)', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const outcome = await hosts.call(client, 'call_1', 'blocks', {});
    expect(outcome).toMatchObject({
      kind: 'answered',
      isError: false,
      content: [
        { type: 'text', text: 'plain' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'page' } },
        { type: 'search_result', source: 's', title: 't', citations: { enabled: false } },
        { type: 'text', text: '{"type":"tool_reference","tool_name":"other"}' },
      ],
    });
  });

  test("is a ToolError's own content when the tool throws one (row 38)", async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    expect(await hosts.call(client, 'call_1', 'refuses', {})).toMatchObject({
      kind: 'answered',
      isError: true,
      content: [
        { type: 'text', text: 'not today' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      ],
    });
  });
});

describe('input', () => {
  const hosts = useHosts('shared');

  test.each([
    [
      'schemed',
      { city: 5 },
      "Error: invalid input for schemed: must have required property 'days'; city: must be string",
    ],
    ['schemed', { city: 'Bern', days: 1, mood: 'good' }, /additional properties \("mood"\)$/],
    ['typed', { days: 'two' }, /^Error: invalid input for typed: city: .*; days: .*number/],
    ['read', {}, "Error: invalid input for read: must have required property 'file_path'"],
    ['greet', {}, "Error: invalid input for greet: must have required property 'name'"],
  ])('of %s that misses its schema is answered with the fields', async (name, input, expected) => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    const text = errorText(await hosts.call(client, JSON.stringify([name, input]), name, input));
    if (typeof expected === 'string') expect(text).toBe(expected);
    else expect(text).toMatch(expected);
  });

  test('that fits is handed on as the schema made it', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    expect(textOf(await hosts.call(client, 'call_1', 'typed', { city: 'Bern' }))).toBe('Bern 1');
    expect(textOf(await hosts.call(client, 'call_2', 'schemed', { city: 'Bern', days: 2 }))).toBe('Bern 2');
  });
});

describe('threads', () => {
  test('serve calls one after another with one module state, parallel calls with their own', async () => {
    const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
    for (const expected of ['1', '2', '3']) {
      expect(textOf(await hosts.call(client, `call_${expected}`, 'count', {}))).toBe(expected);
    }
    const blocker = client.startOrAttach('blocker', request('ignore-abort', {}, { waitMs: 0 }));
    await blocker;
    expect(textOf(await hosts.call(client, 'call_4', 'count', {}))).toBe('1');
  });

  test('beyond the limit wait for one, and a stop reaches those that wait', async () => {
    const opened = await hosts.open({
      toolsModule: FIXTURE_TOOLS,
      limits: { maxThreads: 1, abortGraceMs: 50 },
    });
    const client = hosts.client(opened);
    await client.startOrAttach('first', request('ignore-abort', {}, { waitMs: 0 }));
    await client.startOrAttach('second', request('noop', {}, { waitMs: 0 }));
    const third = hosts.call(client, 'third', 'noop', {});
    expect(await client.stop('second', 'test')).toMatchObject({ kind: 'stopped' });
    expect(await client.stop('first', 'test')).toMatchObject({ kind: 'stopped' });
    expect(textOf(await third)).toBe('done');
  });

  test('that ignore their abort are ended, and their place is free again', async () => {
    const opened = await hosts.open({
      toolsModule: FIXTURE_TOOLS,
      limits: { maxThreads: 1, abortGraceMs: 50 },
    });
    const client = hosts.client(opened);
    await hosts.call(client, 'call_1', 'loop-for-ever', {}, { timeoutMs: 200 });
    expect(textOf(await hosts.call(client, 'call_2', 'noop', {}, { timeoutMs: 20_000 }))).toBe('done');
  });

  test("put what a tool prints into its call's log, within bounds", async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { outputLogBytes: 1_000 } });
    const client = hosts.client(opened);
    const file = join(opened.workspace, 'effects');
    await hosts.call(client, 'call_1', 'effect', { file, ms: 1 });
    expect(await client.log('call_1')).toMatchObject({ bytes: Buffer.from('effect has begun\n') });
    await hosts.call(client, 'call_2', 'print-much', { bytes: 100_000 });
    const log = await client.log('call_2');
    const text = log.kind === 'log' ? Buffer.from(log.bytes).toString() : '';
    expect(text).toBe(`${'z'.repeat(1_000)}\n[output beyond 1000 bytes is not kept]\n`);
  });

  test('have what a timed-out tool has started killed with it', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { abortGraceMs: 50 } });
    const client = hosts.client(opened);
    const file = join(opened.workspace, 'orphan');
    const outcome = hosts.call(client, 'call_1', 'orphan', { file }, { timeoutMs: 6_000 });
    const pid = Number(await untilFile(file));
    expect(errorText(await outcome)).toBe('Error: orphan timed out after 6000 ms and was ended');
    expect(isRunning(pid)).toBe(false);
  });
});

describe('close hooks', () => {
  async function hooksAfter(prepare: (file: string) => Promise<void>): Promise<string[]> {
    const file = join(hosts.stateDir, 'hooks');
    await prepare(file);
    return (await linesOf(file)).sort();
  }
  const open = (file: string) =>
    hosts.open({ toolsModule: FIXTURE_TOOLS, toolEnv: { PATH: process.env.PATH ?? '', HOOKS_FILE: file } });

  test('run once each, awaited, also when four threads have loaded the module (rows 11, 12)', async () => {
    const lines = await hooksAfter(async file => {
      const opened = await open(file);
      const client = hosts.client(opened);
      const ids = ['a', 'b', 'c', 'd'];
      const all = ids.map(id =>
        hosts.call(client, id, 'effect', { file: join(opened.workspace, id), ms: 300 }),
      );
      expect((await Promise.all(all)).map(textOf)).toEqual(['effect', 'effect', 'effect', 'effect']);
      expect(await close(opened, hosts)).toMatchObject({ kind: 'closed', hookFailures: [] });
      await close(opened, hosts);
    });
    expect(lines).toEqual(['count closed', 'effect closed']);
  });

  test('run once when the only thread was lost', async () => {
    const lines = await hooksAfter(async file => {
      const opened = await open(file);
      await hosts.call(hosts.client(opened), 'call_1', 'exit-process', {});
      await until('the thread is gone', () => true);
      await close(opened, hosts);
    });
    expect(lines).toEqual(['count closed', 'effect closed']);
  });

  test('run once when two workers close at a time', async () => {
    const lines = await hooksAfter(async file => {
      const opened = await open(file);
      await Promise.all([close(opened, hosts), close(opened, hosts)]);
    });
    expect(lines).toEqual(['count closed', 'effect closed']);
  });
});
