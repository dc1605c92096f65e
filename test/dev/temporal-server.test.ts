import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { processIdentity } from '../../src/dev/process-identity.ts';
import { startDevArguments, tunedDynamicConfig } from '../../src/dev/temporal-arguments.ts';
import { findTemporal } from '../../src/dev/temporal-finder.ts';
import { startTemporalServer, type TemporalServerOptions } from '../../src/dev/temporal-server.ts';
import { searchAttributes } from '../../src/search-attributes.ts';
import { findOptionsForTests } from '../support/temporal-options.ts';
import { fakePrograms, gone, runProgram, scratchFolder, until } from './fake-programs.ts';

let binary: string;

beforeAll(async () => {
  const found = await findTemporal(findOptionsForTests());
  if (found.kind !== 'binary') throw new Error('no Temporal server');
  binary = found.path;
}, 1_500_000);

async function start(folder: string, more: Partial<TemporalServerOptions> = {}) {
  const server = await startTemporalServer({ ...findOptionsForTests(), folder, ...more });
  onTestFinished(() => server.close());
  return server;
}

async function connect(address: string, namespace = 'default'): Promise<Client> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace });
}

function forProgram(folder: string): string {
  const { env, cacheDir } = findOptionsForTests();
  const { PATH, HOME } = env;
  return JSON.stringify({ env: { PATH, HOME }, cacheDir, folder });
}

async function listen(): Promise<number> {
  const other = createServer();
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const address = other.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** A `temporal` on a PATH of its own that runs `script` where the server would start, and is the real one otherwise. */
async function wrapped(script: string) {
  const fakes = fakePrograms();
  await fakes.program('bin/temporal', `if [ "$#" -gt 3 ]; then ${script}; fi\nexec '${binary}' "$@"`);
  return { ...fakes, env: { ...process.env, PATH: join(fakes.folder, 'bin') } };
}

test('it serves every namespace it was asked for, each with our search attributes, and its UI', async () => {
  const server = await start(scratchFolder(), { namespaces: ['one', 'two'], ui: true });
  expect(server).toMatchObject({ namespace: 'one', pid: expect.any(Number) });
  const { connection } = await connect(server.address);
  for (const namespace of ['one', 'two']) {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(searchAttributes.map(({ name }) => name)),
    );
  }
  const page = await fetch(server.uiAddress ?? '');
  expect(page.status).toBe(200);
});

test('a workflow survives a restart on the same folder', async () => {
  const folder = scratchFolder();
  const first = await start(folder);
  const workflow = await (await connect(first.address)).workflow.start('neverRun', {
    taskQueue: 'nobody',
    workflowId: 'kept',
  });
  await first.close();
  expect(await first.exited).toEqual({ code: 0, signal: null });
  const second = await start(folder);
  const kept = await (await connect(second.address)).workflow.getHandle('kept').describe();
  expect(kept).toMatchObject({ runId: workflow.firstExecutionRunId, status: { name: 'RUNNING' } });
});

test('it ends with a parent that was killed, and the next start on the same folder and port succeeds', async () => {
  const folder = scratchFolder();
  const parent = runProgram('serve', forProgram(folder));
  const { pid, address } = JSON.parse(await parent.firstLine) as { pid: number; address: string };
  await (await connect(address)).workflow.start('neverRun', { taskQueue: 'nobody', workflowId: 'kept' });
  parent.kill('SIGKILL');
  await gone(pid);
  const port = Number(address.split(':')[1]);
  const next = await start(folder, { port });
  expect(next.address).toBe(address);
  await (await connect(address)).workflow.getHandle('kept').describe();
});

test('a server that outlives its killed parent is ended before another uses its database, and nobody else is', async () => {
  const folder = scratchFolder();
  const [orphan, stranger] = [1, 2].map(() => spawn('sleep', ['600']).pid ?? 0);
  if (!orphan || !stranger) throw new Error('no process');
  onTestFinished(() => void process.kill(stranger, 'SIGKILL'));
  const note = (pid: number, identity?: string) =>
    writeFileSync(join(folder, 'server.json'), JSON.stringify({ pid, identity }));
  note(orphan, processIdentity(orphan));
  const server = await start(folder, { stopLimitMs: 200 });
  expect(processIdentity(orphan)).toBeUndefined();
  await server.close();
  note(stranger, 'a process that had this pid before');
  await start(folder);
  expect(processIdentity(stranger)).toBeDefined();
});

test('a Ctrl-C leaves the server up until it is closed', async () => {
  const parent = runProgram('serve', forProgram(scratchFolder()));
  const { pid } = JSON.parse(await parent.firstLine) as { pid: number };
  parent.killGroup('SIGINT');
  const { stdout, code } = await parent.ended;
  expect([stdout.trim().split('\n')[1], code]).toEqual(['still serving', 0]);
  await gone(pid);
});

test('a folder that another process uses is refused with its pid', async () => {
  const folder = scratchFolder();
  const parent = runProgram('serve', forProgram(folder));
  await parent.firstLine;
  await expect(start(folder)).rejects.toMatchObject({
    fault: 'folder-in-use',
    message: expect.stringContaining(`in use by process ${parent.pid} since`),
  });
});

test('a folder that cannot be used is one clear line', async () => {
  const file = join(scratchFolder(), 'file');
  writeFileSync(file, '');
  await expect(start(join(file, 'temporal'))).rejects.toMatchObject({
    fault: 'folder-unusable',
    message: expect.stringMatching(
      /^The Temporal server's folder .*file\/temporal cannot be used: ENOTDIR.*$/,
    ),
  });
});

test('a port that was asked for and is in use is refused in one line, for the server and for the UI', async () => {
  const port = await listen();
  const folder = scratchFolder();
  await expect(start(folder, { port })).rejects.toThrow(
    `The port ${port} of 127.0.0.1 is in use: end what uses it, or choose another`,
  );
  await expect(start(folder, { ui: port })).rejects.toThrow(`The UI port ${port} of 127.0.0.1 is in use`);
  await start(folder);
});

test('a free port that another process takes first is replaced by another', async () => {
  const taken =
    'note start; if [ $(wc -l < "$NOTES") -lt 3 ]; then echo "Error: can\'t set frontend port 99: listen tcp 127.0.0.1:99: bind: address already in use"; exit 1; fi';
  const fakes = await wrapped('');
  await fakes.program(
    'bin/temporal',
    `NOTES='${fakes.folder}/notes'; if [ "$#" -gt 3 ]; then ${taken}; fi\nexec '${binary}' "$@"`,
  );
  const server = await start(scratchFolder(), { env: fakes.env });
  expect(fakes.notes()).toHaveLength(3);
  expect(server.origin).toBe('path');
  await connect(server.address);
});

test('a server that ends at its start is told with the end of its log', async () => {
  const { env } = await wrapped('echo "sqlite: schema version 9 is too new"; exit 4');
  const folder = scratchFolder();
  await expect(start(folder, { env })).rejects.toMatchObject({
    fault: 'not-started',
    message: expect.stringMatching(/ended at its start \(exit code 4\).*schema version 9 is too new/),
  });
  await start(folder);
});

test('a server that never serves is ended at the limit', async () => {
  const fakes = await wrapped('note $$; echo "still migrating"; exec sleep 600');
  await expect(start(scratchFolder(), { env: fakes.env, startLimitMs: 3_000 })).rejects.toMatchObject({
    fault: 'not-started',
    message: expect.stringMatching(/did not serve within 3000 ms.*still migrating/),
  });
  await gone(Number(fakes.notes()[0]));
});

test("neither a key nor TEMPORAL_* reaches the server's environment", async () => {
  const fakes = await wrapped('env > "$HOME/seen"');
  const secrets = { ANTHROPIC_API_KEY: 'sk-1', TEMPORAL_NAMESPACE: 'elsewhere', HOLDFAST_KEY: 'k' };
  await start(scratchFolder(), { env: { ...fakes.env, HOME: fakes.folder, ...secrets } });
  const seen = readFileSync(join(fakes.folder, 'seen'), 'utf8');
  expect(seen).toContain('HOME=');
  expect(seen).not.toMatch(/sk-1|elsewhere|HOLDFAST/);
});

test('a server that runs already is handed on and never ended', async () => {
  const own = await start(scratchFolder());
  const handed = await start(scratchFolder(), { external: { address: own.address, namespace: 'theirs' } });
  expect(handed).toMatchObject({
    address: own.address,
    namespace: 'theirs',
    pid: undefined,
    origin: 'external',
  });
  await handed.close();
  await connect(own.address);
});

test('an aborted start ends the server', async () => {
  const fakes = await wrapped('note $$; exec sleep 600');
  const stop = new AbortController();
  const starting = start(scratchFolder(), { env: fakes.env, signal: stop.signal });
  starting.catch(() => {});
  await until(() => fakes.notes().length > 0, 'the start');
  stop.abort(new Error('Ctrl-C'));
  await expect(starting).rejects.toThrow('Ctrl-C');
  await gone(Number(fakes.notes()[0]));
});

test('the server is started with the tuned dynamic configuration', () => {
  const args = startDevArguments({
    host: '127.0.0.1',
    port: 1,
    uiPort: undefined,
    dbFile: '/db',
    namespaces: ['default', 'a'],
    searchAttributes,
    dynamicConfig: tunedDynamicConfig,
  }).join(' ');
  for (const [key, value] of Object.entries({
    'history.transferProcessorMaxPollRPS': '2000',
    'history.timerProcessorMaxPollRPS': '2000',
    'history.timerProcessorMaxTimeShift': '"10ms"',
    'system.enableActivityEagerExecution': 'true',
  })) {
    expect(args).toContain(`--dynamic-config-value ${key}=${value}`);
  }
  expect(args).toContain('--headless --namespace a --search-attribute HoldfastState=Keyword');
  expect(args).toContain('HoldfastOpenCalls=Int');
});
