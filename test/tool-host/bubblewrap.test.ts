/** The command line of docs/security.md: what it hides is hidden, and stops and kills work as they do without it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenedWorkspace } from '../../src/tool-host/attach-host.ts';
import { toolCommand } from '../../src/tool-settings.ts';
import { close, type Hosts, isRunning, request, textOf, until, useHosts } from './hosts.ts';
import { aloud, isolatedIn, problemHere, TOOL_USER } from './tool-user-here.ts';

const DOCUMENT = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
const LINE = /<!-- bubblewrap -->\n```sh\nexport HOLDFAST_TOOL_COMMAND='([^']+)'\n```/.exec(DOCUMENT)?.[1];
const EXEC_TOOL = `export default { tools: [
  { exec: '/bin/sh', args: ['-c', 'ls /; sleep 31415'], name: 'listing', description: 'd', inputSchema: { type: 'object' } },
] };`;

const prefix = toolCommand(LINE) ?? [];
const problem = aloud(await problemHere({ toolUser: undefined, toolCommand: prefix }));
const userProblem = aloud(await problemHere());

if (problem !== undefined)
  test('a machine without bubblewrap, or where it may make no namespaces, is told so', () => {
    expect(problem).toMatch(/^HOLDFAST_TOOL_COMMAND does not work: (spawn bwrap ENOENT|bwrap: )/);
  });

const ways = [
  ...(problem === undefined ? [['behind bubblewrap', undefined] as const] : []),
  ...(problem === undefined && userProblem === undefined
    ? [['behind bubblewrap, as another user', TOOL_USER] as const]
    : []),
];

describe.each(ways)('bash and exec tools %s', (_, toolUser) => {
  const hosts = useHosts('shared');
  let place = '';
  let opened: OpenedWorkspace;
  let temporal: Server;
  let port = 0;
  let calls = 0;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'hf-module-'));
    await chmod(place, 0o755);
    await writeFile(join(place, 'tools.mjs'), EXEC_TOOL);
    temporal = createServer(socket => socket.end('reached\n'));
    await new Promise<void>(resolve => temporal.listen(0, '127.0.0.1', resolve));
    port = (temporal.address() as AddressInfo).port;
    opened = await open();
    const other = await open({ sessionId: 'sesn_other' });
    await hosts.call(hosts.client(other), 'other', 'bash', { command: 'echo secret > file' });
    await writeFile(join(hosts.stateDir, 'key'), 'secret', { mode: 0o600 });
  });
  afterAll(async () => {
    temporal.close();
    await rm(place, { recursive: true, force: true });
  });

  async function open(options: Parameters<Hosts['open']>[0] = {}): Promise<OpenedWorkspace> {
    await chmod(hosts.stateDir, 0o711);
    const isolated = await isolatedIn(hosts.stateDir, {
      toolUser,
      toolCommand: prefix,
      toolsModule: undefined,
    });
    if (isolated.kind === 'unusable') throw new Error(isolated.problem);
    const { kind: _kind, ...isolation } = isolated;
    return hosts.open({
      ...isolation,
      toolCommand: prefix,
      toolsModule: join(place, 'tools.mjs'),
      ...options,
    });
  }

  const bash = async (command: string): Promise<string> => {
    calls += 1;
    return textOf(await hosts.call(hosts.client(opened), `call_${calls}`, 'bash', { command }));
  };

  test('see their workspace and the folders of the system, and nothing else of the machine', async () => {
    expect(await bash('ls /')).toBe('bin\ndev\netc\nlib\nlib64\nproc\nsbin\ntmp\nusr');
    expect(await bash('pwd; echo kept > file; cat file')).toBe(`${opened.workspace}\nkept`);
    expect(readFileSync(join(opened.workspace, 'file'), 'utf8')).toBe('kept\n');
    const mine = await bash(`find ${hosts.stateDir} -type f`);
    expect(mine).toBe(join(opened.workspace, 'file'));
    expect(
      await bash(
        'ls /etc | grep -vxE "alternatives|ld.so.cache|ssl|passwd|group|nsswitch.conf|resolv.conf"; true',
      ),
    ).toBe('(no output)');
    expect(await bash('grep CapEff /proc/self/status')).toBe(`CapEff:\t${'0'.repeat(16)}`);
    for (const path of ['/usr', '/etc/passwd', '/proc/sys/kernel/core_pattern'])
      expect(await bash(`test -w ${path} || echo closed`)).toBe('closed');
  });

  test.each([
    ['the key file', () => `cat ${hosts.stateDir}/key`, 'No such file'],
    ['the journal', () => `ls ${hosts.paths().journal}`, 'No such file'],
    ['another workspace', () => `ls ${hosts.paths('sesn_other').workspace}`, 'No such file'],
    ['the sockets', () => `ls ${hosts.stateDir}/run`, 'No such file'],
    ['the environment of the worker', () => `cat /proc/${process.pid}/environ`, 'No such file'],
    ['the life of the tool host', () => `/bin/kill ${opened.hostPid}`, 'No such process'],
    ['Temporal', () => `echo < /dev/tcp/127.0.0.1/${port}`, 'Connection refused'],
  ])('are refused %s', async (_, command, why) => {
    expect(await bash(`(${command()}) 2>&1; echo "status $?"`)).toMatch(
      new RegExp(`${why}.*\nstatus [1-9]`, 'si'),
    );
  });

  test('reach the ports of the machine, Temporal too, once --share-net is given', async () => {
    const shared = await open({
      sessionId: 'sesn_net',
      toolCommand: prefix.flatMap(word => (word === '--unshare-all' ? [word, '--share-net'] : [word])),
    });
    const command = `cat < /dev/tcp/127.0.0.1/${port}`;
    expect(textOf(await hosts.call(hosts.client(shared), 'net', 'bash', { command }))).toBe('reached');
  });

  test('are dead when they are stopped, what left its group included, and siblings live on', async () => {
    const client = hosts.client(opened);
    const command = 'touch begun; setsid sleep 31415 & sleep 31415';
    await client.startOrAttach('to-stop', request('bash', { command }, { waitMs: 0 }));
    await until('the call runs', () => running('sleep 31415').length >= 2 || undefined);
    const stopped = await client.stop('to-stop', 'test');
    expect(stopped).toMatchObject({ kind: 'stopped', outcome: { evidence: { survivors: [] } } });
    expect(running('sleep 31415')).toEqual([]);
    expect(await bash('echo on')).toContain('on');
    await client.startOrAttach('program', request('listing', {}, { waitMs: 0 }));
    await until('the program runs', () => running('sleep 31415').length > 0 || undefined);
    expect((await client.stop('program', 'test')).kind).toBe('stopped');
    expect(running('sleep 31415')).toEqual([]);
  });

  test('die with their tool host, also what has shed every mark', async () => {
    await bash('(env -i setsid sleep 27182 > /dev/null 2>&1 &)');
    await until('it runs', () => running('sleep 27182').length > 0 || undefined);
    process.kill(opened.hostPid, 'SIGKILL');
    await until('it is gone', () => running('sleep 27182').length === 0 || undefined);
    opened = await open({ expected: opened });
    expect(await bash('cat file')).toContain('kept');
    expect(await close(opened, hosts)).toMatchObject({ kind: 'closed', survivors: [] });
    expect(isRunning(opened.hostPid)).toBe(false);
  });
});

/** Pids whose command line ends so. */
function running(commandLine: string): number[] {
  return readdirSync('/proc').flatMap(name => {
    const file = `/proc/${name}/cmdline`;
    if (!/^\d+$/.test(name) || !existsSync(file)) return [];
    try {
      const words = readFileSync(file, 'utf8').split('\0').join(' ').trim();
      return words === commandLine && isRunning(Number(name)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

describe('a command that cannot do what it is for is refused before anything is served', () => {
  test.each([
    [['/no/such/sandbox'], /^HOLDFAST_TOOL_COMMAND does not work: spawn \/no\/such\/sandbox ENOENT$/],
    [['false'], /^HOLDFAST_TOOL_COMMAND does not work: it ended at once \(exit code 1\)$/],
    [
      ['sh', '-c', 'echo "cannot do that" >&2; exit 1'],
      /^HOLDFAST_TOOL_COMMAND does not work: cannot do that$/,
    ],
    [
      ['env', '-i'],
      /^HOLDFAST_TOOL_COMMAND hides what tools start: let HOLDFAST_HOST and HOLDFAST_CALL through/,
    ],
  ])('%j', async (command, why) => {
    expect(await problemHere({ toolUser: undefined, toolCommand: command })).toMatch(why);
  });

  test('and one that works is taken', async () => {
    expect(await problemHere({ toolUser: undefined, toolCommand: ['env', 'A=b'] })).toBeUndefined();
  });
});
