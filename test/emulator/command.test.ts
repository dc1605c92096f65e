import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { emulatorFor } from './support.ts';

const COMMAND = new URL('../../src/cli/emulator.ts', import.meta.url).href;
const RUN = `const { emulatorCommand } = await import(${JSON.stringify(COMMAND)}); await emulatorCommand().parseAsync();`;

interface Running {
  readonly out: string;
  readonly err: string;
  readonly exit: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first line on standard output. */
  line(): Promise<string>;
}

function start(...flags: string[]): Running {
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUN, '--', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const state = { out: '', err: '' };
  const line = Promise.withResolvers<string>();
  child.stdout.on('data', chunk => {
    state.out += chunk;
    if (state.out.includes('\n')) line.resolve(state.out.slice(0, state.out.indexOf('\n')));
  });
  child.stderr.on('data', chunk => {
    state.err += chunk;
  });
  const exit = new Promise<number | null>(resolve => child.on('close', code => resolve(code)));
  return {
    get out() {
      return state.out;
    },
    get err() {
      return state.err;
    },
    exit,
    kill: signal => void child.kill(signal),
    line: () => line.promise,
  };
}

async function file(name: string, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'it prints its address, serves a script file, and exits 0 on %s',
  async signal => {
    const script = await file('agent.json', '[{ "say": "from the file" }]');
    const command = start('--port', '0', '--script', script);
    const url = await command.line();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const headers = { 'x-api-key': 'k' };
    const events = [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }];
    const body = JSON.stringify({ agent: 'a', environment_id: 'e', initial_events: events });
    const created = await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body });
    const { id } = (await created.json()) as { id: string };
    await fetch(`${url}/_emulator/sessions/${id}/wait?state=script_done`);
    const listed = await fetch(`${url}/v1/sessions/${id}/events?types[]=agent.message`, { headers });
    expect(await listed.json()).toMatchObject({ data: [{ content: [{ text: 'from the file' }] }] });
    command.kill(signal);
    expect(await command.exit).toBe(0);
    expect(command.out).toBe(`${url}\n`);
    expect(command.err).toBe('');
  },
);

test('with --json the address is one line of JSON, and --verbose logs requests to standard error', async () => {
  const command = start('--json', '--verbose');
  const address = JSON.parse(await command.line()) as { url: string; port: number };
  expect(address).toEqual({ url: `http://127.0.0.1:${address.port}`, host: '127.0.0.1', port: address.port });
  await fetch(`${address.url}/v1/sessions/sesn_x`);
  command.kill('SIGTERM');
  await command.exit;
  expect(command.err).toBe('401 GET /v1/sessions/sesn_x\n');
});

test('a TypeScript module is loaded as a script, and its named scripts too', async () => {
  const script = await file(
    'agent.ts',
    'export default async (agent: { say(text: string): Promise<void> }) => { await agent.say("typed"); };\n' +
      'export const scripts = { other: [{ say: "other" }] };\n',
  );
  const command = start('--script', script);
  const url = await command.line();
  const created = await fetch(`${url}/_emulator/sessions`, {
    method: 'POST',
    body: JSON.stringify({ metadata: { script: 'other' }, _emulator: { start: true } }),
  });
  const { id } = (await created.json()) as { id: string };
  const done = await fetch(`${url}/_emulator/sessions/${id}/wait?state=script_done`);
  expect(await done.json()).toMatchObject({ reached: true, failures: [] });
});

test('a port in use is one clear line and exit 1', async () => {
  const { port } = await emulatorFor();
  const command = start('--port', String(port));
  expect(await command.exit).toBe(1);
  expect(command.err).toBe(
    `holdfast emulator: port ${port} on 127.0.0.1 is in use; choose another with --port, or --port 0\n`,
  );
});

test('environments are printed with their keys, and a script file brings sessions, stores and skills', async () => {
  const world = {
    default: [{ call: 'bash', input: { command: 'ls' } }],
    environments: [{ id: 'env_file', keys: ['key-of-file'], healthchecks: 2 }],
    sessions: [{ environment_id: 'env_file', message: 'go' }],
    skills: [{ id: 'skill_a', name: 'pdf', files: { 'SKILL.md': '# pdf' } }],
    memory_stores: [{ id: 'memstore_a', memories: { '/a.md': 'first' } }],
  };
  const script = await file('world.json', JSON.stringify(world));
  const flags = ['--environment', 'env_flag', '--environment-key', 'key-of-flag'];
  const command = start('--script', script, ...flags);
  const url = await command.line();
  expect(command.out).toBe(
    `${url}\nANTHROPIC_ENVIRONMENT_ID=env_flag ANTHROPIC_ENVIRONMENT_KEY=key-of-flag\n` +
      'ANTHROPIC_ENVIRONMENT_ID=env_file ANTHROPIC_ENVIRONMENT_KEY=key-of-file\n',
  );
  const get = async (path: string, key = 'key-of-file') =>
    (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } })).json();
  expect(await get('/v1/environments/env_file/work/stats')).toMatchObject({ depth: 3 });
  expect(await get('/v1/environments/env_flag/work/poll', 'key-of-flag')).toBeNull();
  const work = [1, 2, 3].map(() => get('/v1/environments/env_file/work/poll'));
  expect(
    (await Promise.all(work)).map(item => (item as { data: { type: string } }).data.type).sort(),
  ).toEqual(['healthcheck', 'healthcheck', 'session']);
  expect(await get('/v1/skills/skill_a/versions/latest')).toMatchObject({ name: 'pdf' });
  expect(await get('/_emulator/memory_stores/memstore_a')).toMatchObject({ memories: { '/a.md': 'first' } });

  const json = start('--json', '--environment', 'env_a', 'env_b');
  expect(JSON.parse(await json.line())).toMatchObject({
    environments: [
      { id: 'env_a', key: expect.stringMatching(/^sk-ant-oat01-/) },
      { id: 'env_b', key: expect.stringMatching(/^sk-ant-oat01-/) },
    ],
  });
});

test.each([
  [['--environment-key', 'k'], /--environment-key needs an --environment/],
  [['--environment', 'env_a', 'env_a'], /environment env_a exists already/],
])('environment flags that cannot be used are one clear line and exit 2: %j', async (flags, reason) => {
  const command = start(...flags);
  expect(await command.exit).toBe(2);
  expect(command.err.split('\n')).toHaveLength(2);
  expect(command.err).toMatch(reason);
});

test.each([
  ['agent.json', '{ "environments": [{ "id": 5 }] }', /environments.0.id/],
  ['agent.json', '{ "sessions": [{ "message": "go" }], "stores": [] }', /stores/],
  ['agent.json', '[{ "shout": 1 }]', /script "default": steps.0: a step has one of the keys/],
  ['agent.json', '[', /JSON/],
  ['agent.json', '{}', /neither a default script nor `scripts`/],
  ['agent.ts', 'throw new Error("broken module")', /broken module/],
  ['agent.ts', 'export default 5', /a script is an array of steps or a function/],
])(
  'a script file that cannot be used is one clear line that names it, and exit 2 (%#)',
  async (name, content, reason) => {
    const script = await file(name, content);
    const command = start('--script', script);
    expect(await command.exit).toBe(2);
    expect(command.err.split('\n')).toHaveLength(2);
    expect(command.err).toContain(`cannot use the script file ${script}`);
    expect(command.err).toMatch(reason);
  },
);

test('a script file that is not there, and a port that is none, are exit 2', async () => {
  const missing = start('--script', '/nowhere/agent.json');
  expect(await missing.exit).toBe(2);
  expect(missing.err).toMatch(/cannot use the script file \/nowhere\/agent.json: .*no such file/);
  const port = start('--port', 'http');
  expect(await port.exit).toBe(2);
  expect(port.err).toMatch(/--port must be a number from 0 to 65535, not "http"/);
});
