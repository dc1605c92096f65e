/** Set-ups that are broken, each in one way: the doctor names it and says what mends it. Real servers, real files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, createSecureServer } from 'node:http2';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { clock, lookAtApi, lookAtWebhookKey } from '../../src/doctor/api.ts';
import { judgeDispatch } from '../../src/doctor/dispatch.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { type Finding, limited } from '../../src/doctor/finding.ts';
import { lookForLeftovers } from '../../src/doctor/leftovers.ts';
import { lookAtMachine } from '../../src/doctor/machine.ts';
import { reachTemporal } from '../../src/doctor/reach.ts';
import { lookAtStateFolder } from '../../src/doctor/state-folder.ts';
import { lookAtTools } from '../../src/doctor/tools.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
/** No profile and no setting of whoever runs this. */
const HOME = '/nonexistent';

let folder = '';
let emulator: Emulator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hfx-'));
  emulator = await startEmulator({
    apiKeys: ['sk-ant-api03-good'],
    environments: [
      { id: 'env_1', keys: ['sk-ant-oat01-one'] },
      { id: 'env_2', keys: ['sk-ant-oat01-two'] },
    ],
  });
});
afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The findings that are not in order, as lines. */
const troubles = (findings: readonly Finding[]) =>
  findings.flatMap(({ check, state, found, mend }) =>
    state === 'broken' || state === 'warning' ? [`${state} ${check}: ${found}: ${mend}`] : [],
  );

async function listening(server: TcpServer): Promise<string> {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.concurrent('Temporal that is not reached: one line says why', () => {
  const reach = async (env: Record<string, string>) => {
    const reached = await reachTemporal(readConfig({ HOME, ...env }).temporal);
    if (reached.kind === 'reached') await reached.connection.close();
    return troubles([reached.finding]);
  };

  it('nothing listens there', async () => {
    const server = createTcp();
    const address = await listening(server);
    await new Promise(resolve => server.close(resolve));
    expect(await reach({ TEMPORAL_ADDRESS: address })).toEqual([
      `broken Temporal: nothing listens on ${address} (a server’s port is 7233, its web UI’s 8233): ` +
        'start the server, or correct TEMPORAL_ADDRESS',
    ]);
  });

  it('the address is none', async () => {
    expect(await reach({ TEMPORAL_ADDRESS: 'temporal' })).toEqual([
      expect.stringContaining('temporal is not an address: write TEMPORAL_ADDRESS as host:7233'),
    ]);
  });

  it('the name is not known', async () => {
    expect(await reach({ TEMPORAL_ADDRESS: 'temporal.invalid:7233' })).toEqual([
      expect.stringContaining('the name temporal.invalid is not known here (DNS)'),
    ]);
  });

  it('the port is that of a web server', async ({ onTestFinished }) => {
    const server = createHttp((_, response) => response.end('a web UI'));
    const address = await listening(server);
    onTestFinished(() => void server.close());
    expect(await reach({ TEMPORAL_ADDRESS: address })).toEqual([
      expect.stringContaining(`what listens on ${address} is not a Temporal server`),
    ]);
  });

  const secure = async ({ onTestFinished }: TestContext) => {
    const server = createSecureServer({
      key: readFileSync(fixture('server.key')),
      cert: readFileSync(fixture('server.pem')),
    });
    server.on('stream', stream => {
      const refused = { 'grpc-status': '16', 'grpc-message': 'unknown key' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refused }, { endStream: true });
    });
    const address = await listening(server);
    onTestFinished(() => void server.close());
    return address;
  };

  it('the server speaks TLS and the settings do not', async context => {
    const address = await secure(context);
    expect(await reach({ TEMPORAL_ADDRESS: address })).toEqual([
      expect.stringContaining(
        `${address} speaks TLS, and the settings say nothing of it: set TEMPORAL_TLS=true`,
      ),
    ]);
  });

  it('the settings want TLS and the server has none', async ({ onTestFinished }) => {
    const server = createHttp2();
    const address = await listening(server);
    onTestFinished(() => void server.close());
    expect(await reach({ TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'true' })).toEqual([
      expect.stringMatching(/does not speak TLS, and the settings want it .*: set TEMPORAL_TLS=false/),
    ]);
  });

  it('the certificate is of nobody that is trusted', async context => {
    const address = await secure(context);
    expect(await reach({ TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'true' })).toEqual([
      expect.stringMatching(/the certificate of .* is not trusted: .*TEMPORAL_TLS_SERVER_CA_CERT_PATH/),
    ]);
  });

  it('the API key is refused, and not repeated', async context => {
    const told = await reach({
      TEMPORAL_ADDRESS: await secure(context),
      TEMPORAL_API_KEY: 'a-key-of-temporal',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: fixture('ca.pem'),
    });
    expect(told).toEqual([
      expect.stringMatching(/refuses the API key: unknown key: correct TEMPORAL_API_KEY/),
    ]);
    expect(told.join()).not.toContain('a-key-of-temporal');
  });
});

describe('the API', () => {
  const ask = async (env: Record<string, string>) =>
    troubles(await lookAtApi(readConfig({ HOME, ANTHROPIC_BASE_URL: emulator.url, ...env })));

  it('with a good key of either kind has nothing to tell of', async () => {
    expect(await ask({ ANTHROPIC_API_KEY: 'sk-ant-api03-good' })).toEqual([]);
    expect(
      await ask({ ANTHROPIC_ENVIRONMENT_KEY: 'sk-ant-oat01-one', ANTHROPIC_ENVIRONMENT_ID: 'env_1' }),
    ).toEqual([]);
  });

  const cases: [string, Record<string, string>, RegExp][] = [
    ['no key at all', {}, /^broken API: no API key: set ANTHROPIC_API_KEY/],
    [
      'a key that is refused',
      { ANTHROPIC_API_KEY: 'sk-ant-req-bad' },
      /refuses the API key \(401\).*correct ANTHROPIC_API_KEY/,
    ],
    [
      'an environment key in the place of an API key',
      { ANTHROPIC_API_KEY: 'sk-ant-oat01-unknown' },
      /ANTHROPIC_API_KEY holds an environment key: give it as ANTHROPIC_ENVIRONMENT_KEY/,
    ],
    [
      'an environment without its key',
      { ANTHROPIC_API_KEY: 'sk-ant-api03-good', ANTHROPIC_ENVIRONMENT_ID: 'env_1' },
      /^broken environment: only its own key opens the work queue of env_1: set ANTHROPIC_ENVIRONMENT_KEY/,
    ],
    [
      'the key of another environment',
      { ANTHROPIC_ENVIRONMENT_KEY: 'sk-ant-oat01-two', ANTHROPIC_ENVIRONMENT_ID: 'env_1' },
      /^broken environment: the key is not one of env_1 \(403\)/,
    ],
    [
      'an environment that is not there',
      { ANTHROPIC_ENVIRONMENT_KEY: 'sk-ant-oat01-one', ANTHROPIC_ENVIRONMENT_ID: 'env_9' },
      /^broken environment: .*env_9/,
    ],
    [
      'an address where nobody is',
      { ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: 'http://api.invalid' },
      /^broken API: cannot reach the API at http:\/\/api\.invalid: .*correct ANTHROPIC_BASE_URL/,
    ],
  ];
  it.each(cases)('with %s', async (_, env, told) => {
    expect(await ask(env)).toEqual([expect.stringMatching(told)]);
  });

  it('whose clock is an hour ahead of ours', async () => {
    const server = createHttp((_, response) => {
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"type":"error","error":{"type":"not_found_error","message":"none"}}');
    });
    const address = await listening(server);
    onTestFinished(() => void server.close());
    expect(await ask({ ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: `http://${address}` })).toEqual([
      expect.stringMatching(/^broken clock: 3(599|600|601) s behind the API’s: set the clock/),
    ]);
    expect(clock(-30_000)).toMatchObject({ state: 'warning', found: '30 s ahead of the API’s' });
    expect(clock(900)).toMatchObject({ state: 'ok' });
  });

  it('with a signing key that is none', () => {
    const config = readConfig({ HOME, ANTHROPIC_WEBHOOK_SIGNING_KEY: 'whsec_!' });
    expect(troubles(lookAtWebhookKey(config))).toEqual([
      expect.stringMatching(/^broken webhook: .*signing key/),
    ]);
    expect(lookAtWebhookKey(readConfig({ HOME }))).toEqual([]);
  });
});

describe('a machine', () => {
  it('without bash, tar and unzip, with an old Node, on macOS', async () => {
    const found = await lookAtMachine({
      ...{ path: folder, bash: join(folder, 'bash'), platform: 'darwin', nodeVersion: '20.11.0' },
    });
    expect(troubles(found)).toEqual([
      expect.stringContaining('broken Node: 20.11.0 is too old: install 22.18 or newer'),
      expect.stringContaining('warning system: darwin'),
      expect.stringContaining('bash is not there, and it is what the tool bash runs: install bash'),
      expect.stringContaining('tar and unzip not found: skills of a work item cannot be unpacked'),
    ]);
  });
});

describe('a state folder', () => {
  const look = async (stateDir: string) =>
    troubles(await lookAtStateFolder({ stateDir, sealingKey: undefined })).filter(
      // What the machine of these tests is like.
      line => !/is in memory|goes with its container|^\w+ disk/.test(line),
    );

  it('that is not there yet is not made by looking', async () => {
    const stateDir = join(folder, 'new', 'state');
    expect(await look(stateDir)).toEqual([]);
    expect(() => readFileSync(stateDir)).toThrow('ENOENT');
  });

  it('in the place of a file', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(await look(file)).toEqual([expect.stringMatching(/^broken state folder: .*a-file is a file/)]);
    expect(await look(join(file, 'state'))).toEqual([
      expect.stringMatching(/^broken state folder: .*a-file is a file: choose a folder/),
    ]);
  });

  it('that others may write to, or read', async () => {
    const stateDir = mkdtempSync(join(folder, 'open-'));
    chmodSync(stateDir, 0o777);
    expect(await look(stateDir)).toEqual([
      expect.stringContaining(`and so forge journals: chmod 700 ${stateDir}`),
    ]);
    chmodSync(stateDir, 0o755);
    expect(await look(stateDir)).toEqual([expect.stringMatching(/^warning state folder: others may read/)]);
    // As it is with HOLDFAST_TOOL_USER.
    chmodSync(stateDir, 0o711);
    expect(await look(stateDir)).toEqual([]);
  });

  it('whose sockets would have too long a path', async () => {
    expect(await look(join(folder, 'd'.repeat(100)))).toEqual([
      expect.stringMatching(/^broken sockets: .*107 fit: choose one at least \d+ bytes shorter/),
    ]);
  });

  it('whose key file others may read', async () => {
    const stateDir = mkdtempSync(join(folder, 'key-'));
    writeFileSync(join(stateDir, 'key'), 'x', { mode: 0o644 });
    expect(await look(stateDir)).toEqual([
      expect.stringMatching(/^broken key: others may read the key file .*: chmod 600 it/),
    ]);
  });
});

describe('leftovers', () => {
  it('of a dead host are told with their pids, folders of nobody with their names, a clean folder with its counts', async () => {
    const stateDir = mkdtempSync(join(folder, 'left-'));
    expect(troubles(await lookForLeftovers({ stateDir }))).toEqual([]);
    const id = `doctor${process.pid}`;
    writeFileSync(join(stateDir, 'host-id'), JSON.stringify({ id, machine: 'x' }));
    mkdirSync(join(stateDir, 'sessions', 'nobodys-0123456789abcdef'), { recursive: true });
    const left: ChildProcess = spawn('sleep', ['60'], {
      env: { ...process.env, HOLDFAST_HOST: `${id}.abc` },
    });
    await new Promise(resolve => left.once('spawn', resolve));
    onTestFinished(() => void left.kill('SIGKILL'));
    expect(troubles(await lookForLeftovers({ stateDir }))).toEqual([
      expect.stringContaining(
        `1 process of dead tool hosts: ${left.pid}: a worker with the role tools clears it`,
      ),
      expect.stringContaining('1 folder of which nothing tells whose it is'),
    ]);
  });
});

describe('tools', () => {
  const look = async (env: Record<string, string>) =>
    troubles(
      await lookAtTools(
        readConfig({ PATH: process.env.PATH, HOLDFAST_STATE_DIR: join(folder, 's'), ...env }),
      ),
    );

  it('without isolation: said plainly, every time', async () => {
    expect(await look({})).toEqual([
      expect.stringMatching(/^warning isolation: tools run with the worker's rights.*HOLDFAST_TOOL_USER/),
    ]);
  });

  it('behind a command that cannot be run', async () => {
    expect(await look({ HOLDFAST_TOOL_COMMAND: join(folder, 'no-such-sandbox') })).toEqual([
      expect.stringMatching(/^broken isolation: .*no-such-sandbox/),
    ]);
  });

  it('of a module that does not load', async () => {
    const module = join(folder, 'broken-tools.mjs');
    writeFileSync(module, "throw new Error('no licence');");
    const [, told] = await look({ HOLDFAST_TOOLS: module });
    expect(told).toMatch(/^broken tools: the tools module .*broken-tools\.mjs failed to load: no licence/);
  });
});

describe('how fast Temporal hands out tasks (figures as measured)', () => {
  const judge = (dispatchMs: number, inlineMs: number, timerLateMs: number, eager: boolean) =>
    judgeDispatch({ dispatchMs, inlineMs, timerLateMs, eager }, '127.0.0.1:7233');

  it('a stock server: the four keys are named', () => {
    const { state, mend = '' } = judge(45, 11, 950, false);
    expect(state).toBe('warning');
    for (const key of [
      'transferProcessorMaxPollRPS: 2000',
      'timerProcessorMaxPollRPS: 2000',
      'MaxTimeShift: 10ms',
      'enableActivityEagerExecution: true',
    ])
      expect(mend).toContain(key);
  });

  it('on a busy machine a stock server is still told by its late timers, a tuned one is not accused', () => {
    expect(judge(41, 21, 955, false).mend).toContain('transferProcessorMaxPollRPS');
    expect(judge(12, 10, 955, false).mend).toContain('transferProcessorMaxPollRPS');
    expect(judge(49, 19, 28, true)).toMatchObject({
      state: 'ok',
      found: expect.stringContaining('everything is slow'),
    });
  });

  it('a server that lacks one key: only that one is named', () => {
    expect(judge(12, 10, 0, false).mend).toBe(
      'set in the server’s dynamic configuration system.enableActivityEagerExecution: true',
    );
  });

  it('Temporal Cloud has no dynamic configuration to set', () => {
    const rate = { dispatchMs: 60, inlineMs: 12, timerLateMs: 900, eager: false };
    expect(judgeDispatch(rate, 'ns.acct.tmprl.cloud:7233').state).toBe('ok');
  });
});

describe('the doctor as a whole', () => {
  it('with settings that cannot be used names each, looks at all else, and tells no secret', async () => {
    const key = 'not-a-key-but-a-secret';
    const found = await examine({
      ...{ HOME, PATH: process.env.PATH, HOLDFAST_STATE_DIR: join(folder, 'whole') },
      ...{ HOLDFAST_HOST_LOST: '1s', HOLDFAST_KEEP: 'sometimes', HOLDFAST_KEY: key },
      ...{ TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_TLS: 'maybe' },
      ...{ ANTHROPIC_BASE_URL: emulator.url, ANTHROPIC_API_KEY: 'sk-ant-req-secret-key' },
    });
    const broken = troubles(found).filter(line => line.startsWith('broken'));
    const told = [
      'HOLDFAST_HOST_LOST is 1s',
      'HOLDFAST_KEEP is sometimes',
      'HOLDFAST_KEY is not a key',
      'TEMPORAL_TLS is maybe',
      'refuses the API key (401)',
    ];
    expect(broken).toHaveLength(told.length);
    for (const text of told) expect(broken.join('\n')).toContain(text);
    expect(found).toContainEqual(expect.objectContaining({ check: 'Temporal', state: 'skipped' }));
    for (const check of ['Node', 'bash', 'disk', 'sockets', 'tools', 'leftovers'])
      expect(found.map(({ check: name }) => name)).toContain(check);
    expect(JSON.stringify(found)).not.toContain(key);
    expect(JSON.stringify(found)).not.toContain('sk-ant-req-secret-key');
  });

  it('gives up a check that hangs, and reports one that throws', async () => {
    const never = () => new Promise<Finding[]>(() => {});
    expect(await limited('disk', 20, never)).toMatchObject([
      { state: 'broken', found: 'no answer within 0.02 s' },
    ]);
    const throws = async () => {
      throw new Error('boom');
    };
    expect(await limited('disk', 1_000, throws)).toMatchObject([{ found: 'could not be looked at: boom' }]);
  });
});
