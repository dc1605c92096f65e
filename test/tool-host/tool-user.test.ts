/** `HOLDFAST_TOOL_USER`: what a hostile tool tries is refused, and tools work as they do without it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenedWorkspace } from '../../src/tool-host/attach-host.ts';
import { describeTools } from '../../src/tool-host/describe.ts';
import type { OpenOptions } from '../../src/tool-host/launch.ts';
import { removeWorkspace } from '../../src/tool-host/remove-workspace.ts';
import { noteFor } from '../../src/tool-host/session-notes.ts';
import { ownerOf } from '../../src/tool-host/tool-user.ts';
import { mappedGroups } from '../../src/tool-host/tool-user-probe.ts';
import {
  close,
  errorText,
  FIXTURE_TOOLS,
  type Hosts,
  isRunning,
  linesOf,
  request,
  SESSION,
  textOf,
  until,
  untilFile,
  useHosts,
} from './hosts.ts';
import { startMemoryApi } from './memory-api.ts';
import { aloud, isolatedIn, problemHere } from './tool-user-here.ts';

const NOBODY = 65_534;
const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const MCP_SERVER = fileURLToPath(new URL('./mcp-fixture-server.ts', import.meta.url));
const OWN_TOOLS = `
const ids = () => JSON.stringify([process.getuid(), process.getgid(), process.getgroups(), process.env.SEEN ?? '']);
const inputSchema = { type: 'object' };
const description = 'for a test';
export default { tools: [
  { name: 'who', description, input_schema: inputSchema, run: () => ids() },
  { exec: '/usr/bin/id', args: ['-u'], name: 'exec_who', description, inputSchema },
] };
`;

const problem = aloud(await problemHere());

if (problem !== undefined)
  test('a machine that cannot run tools as another user is told why', () => {
    expect(problem).toMatch(
      /^HOLDFAST_TOOL_USER is nobody: (only root|.* is closed to that user at|it needs Linux|the worker may)/,
    );
  });

if (problem === undefined)
  describe('tools that run as another user', () => {
    const hosts = useHosts('shared');
    const secret = 'a-secret-of-the-worker';
    let place = '';
    let opened: OpenedWorkspace;

    beforeAll(async () => {
      place = await mkdtemp(join(tmpdir(), 'hf-module-'));
      await chmod(place, 0o755);
      await writeFile(join(place, 'tools.mjs'), OWN_TOOLS);
      opened = await hosts.open(await asToolUser(hosts, { toolsModule: join(place, 'tools.mjs') }));
      await noteFor(hosts.paths(), 'something');
      await writeFile(join(hosts.stateDir, 'key'), secret, { mode: 0o600 });
    });
    afterAll(() => rm(place, { recursive: true, force: true }));

    let calls = 0;
    const bash = async (command: string, at = opened): Promise<string> => {
      calls += 1;
      const outcome = await hosts.call(hosts.client(at), `call_${calls}`, 'bash', { command });
      return textOf(outcome);
    };

    test('have its ids, no other group, and no right of root, however they are run', async () => {
      const { gid } = ownerOf({ uid: NOBODY, gid: undefined }, SESSION);
      expect(await bash('id -u; id -G; grep CapEff /proc/self/status')).toBe(
        `${NOBODY}\n${gid}\nCapEff:\t${'0'.repeat(16)}`,
      );
      const client = hosts.client(opened);
      expect(textOf(await hosts.call(client, 'who', 'who', {}))).toBe(
        JSON.stringify([NOBODY, gid, [gid], '']),
      );
      expect(textOf(await hosts.call(client, 'exec_who', 'exec_who', {}))).toBe(`${NOBODY}\n`);
      const path = join(opened.workspace, 'written');
      await hosts.call(client, 'write', 'write', { file_path: path, content: 'mine' });
      expect(statSync(path)).toMatchObject({ uid: NOBODY, gid });
      expect(await bash(`cat ${path}; rm ${path}; echo back > ${path}; pwd`)).toBe(`mine${opened.workspace}`);
    });

    test.each([
      ['the state folder', s => `ls ${s.state}`],
      ['the key file', s => `cat ${s.state}/key`],
      ['its own journal, to read', s => `cat ${s.journal}/incarnation.json`],
      ['its own journal, to write', s => `mkdir -p ${s.journal}/calls/forged`],
      ['its own journal, to replace', s => `mv ${s.journal} ${s.journal}.old`],
      ['its workspace, to make it a link', s => `mv ${s.workspace} ${s.workspace}.old`],
      ['the sockets', s => `ls ${s.state}/run`],
      ['the notes', s => `ls ${s.state}/notes`],
      ['the environment of its tool host', s => `cat /proc/${s.hostPid}/environ`],
      ['the memory of its tool host', s => `head -c1 /proc/${s.hostPid}/mem`],
      ['the files of its tool host', s => `ls /proc/${s.hostPid}/fd`],
      ['the life of its tool host', s => `kill ${s.hostPid}`],
      ['the environment of the worker', () => `cat /proc/${process.pid}/environ`],
      ['another workspace', s => `ls ${s.other}`],
      ['another workspace by /proc', s => `ls /proc/${s.otherShell}/cwd/`],
      ['the environment of another shell', s => `cat /proc/${s.otherShell}/environ`],
    ] as [string, (where: Where) => string][])('are refused %s', async (_, command) => {
      const where = await whereabouts();
      const said = await bash(`${command(where)} 2>&1; echo "status $?"`);
      expect(said).toMatch(/(Permission denied|Operation not permitted)\nstatus [1-9]/);
      expect(said).not.toContain(secret);
    });

    test('have a home of their own, which other sessions are refused', async () => {
      const { otherShell } = await whereabouts();
      expect(await bash('cd; pwd; touch .gitconfig; stat -c %U:%a .')).toBe(
        `${hosts.paths().home}\nnobody:700`,
      );
      expect(await bash(`ls ${hosts.paths('sesn_other').home} 2>&1; true`)).toContain('Permission denied');
      // Said in docs/security.md: one user may end its own processes, of whatever session.
      expect(await bash(`cd ${opened.workspace}; kill -0 ${otherShell} && echo yes`)).toBe('yes');
    });

    test('are refused the socket of their own host: nobody but the worker closes it', async () => {
      const post = `curl -sS -m 5 --unix-socket ${opened.socketPath} -X POST http://host/close`;
      const viaNode =
        `require('net').connect('${opened.socketPath}').on('error', e => console.log(e.code)).on('connect', () => ` +
        `console.log('connected'))`;
      expect(await bash(`${process.execPath} -e "${viaNode}"`)).toBe('EACCES');
      await bash(`${post} 2>&1; true`);
      expect(isRunning(opened.hostPid)).toBe(true);
    });

    test('cannot look into the process that runs the functions of the tools module', async () => {
      await hosts.call(hosts.client(opened), 'who-again', 'who', {});
      const cells = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
        .split('\n')
        .filter(line => line.includes('as-tool-user') && line.includes(` ${opened.hostPid} `))
        .map(line => Number.parseInt(line, 10));
      expect(cells.length).toBeGreaterThan(0);
      for (const pid of cells)
        expect(await bash(`cat /proc/${pid}/environ 2>&1; head -c1 /proc/${pid}/mem 2>&1; true`)).toMatch(
          /Permission denied\n.*Permission denied/,
        );
    });

    test('are dead when they are stopped, what left its group included', async () => {
      const client = hosts.client(opened);
      const command = 'setsid sleep 300 & echo $! > gone; sleep 300';
      await client.startOrAttach('to-stop', request('bash', { command }, { waitMs: 0 }));
      const pid = Number(await untilFile(join(opened.workspace, 'gone')));
      expect(isRunning(pid)).toBe(true);
      expect(await client.stop('to-stop', 'test')).toMatchObject({
        kind: 'stopped',
        outcome: { evidence: { survivors: [] } },
      });
      expect(isRunning(pid)).toBe(false);
    });

    test('are served by MCP servers of that user', async () => {
      const starts = join(place, 'starts');
      await writeFile(starts, '');
      await chmod(starts, 0o666);
      const mcp = { command: process.execPath, args: [MCP_SERVER, starts] };
      const toolsModule = join(place, 'mcp.mjs');
      await writeFile(
        toolsModule,
        `export default { tools: [{ mcp: ${JSON.stringify(mcp)}, tools: ['add'] }] };`,
      );
      const session = await hosts.open(await asToolUser(hosts, { sessionId: 'sesn_mcp', toolsModule }));
      expect(textOf(await hosts.call(hosts.client(session), 'add', 'add', { a: 1, b: 2 }))).toBe('3');
      const pid = Number.parseInt((await linesOf(starts)).at(-1) ?? '', 10);
      expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY);
    });

    test('load their module as that user too', async () => {
      const module = join(place, 'at-load.mjs');
      await writeFile(
        module,
        `${OWN_TOOLS}\nimport fs from 'node:fs'; fs.readFileSync('${hosts.stateDir}/key');`,
      );
      const toolUser = { uid: NOBODY, gid: undefined };
      const described = await describeTools({ toolsModule: module, toolEnv: {}, toolUser });
      expect(described).toMatchObject({ kind: 'broken', message: expect.stringContaining('EACCES') });
    });

    test.each([
      ['throw-error', {}, 'Error: it broke'],
      ['exit-process', {}, 'Error: the tool ended its process (exit code 3)'],
      ['reject-aside', {}, 'Error: the tool failed outside its call: nobody looked'],
      ['loop-for-ever', { timeoutMs: 200 }, 'Error: loop-for-ever timed out after 200 ms and was ended'],
      ['fill-memory', {}, 'Error: the tool used more than 64 MB of memory'],
      ['fill-buffers', {}, 'Error: the tool used more than 64 MB of memory'],
    ])('%s costs its own call alone (I12)', async (name, extra, expected) => {
      const limits = { threadMemoryMb: 64, abortGraceMs: 100 };
      const asUser = await asToolUser(hosts, {
        sessionId: 'sesn_fixture',
        toolsModule: FIXTURE_TOOLS,
        limits,
      });
      const opened = await hosts.open(asUser);
      const client = hosts.client(opened);
      const go = hosts.call(client, `beside ${name}`, 'effect', {
        file: join(opened.workspace, name),
        ms: 600,
      });
      await untilFile(join(opened.workspace, name));
      expect(errorText(await hosts.call(client, name, name, {}, extra))).toBe(expected);
      expect(textOf(await go)).toBe('effect');
      expect(await client.log(`beside ${name}`)).toMatchObject({ bytes: Buffer.from('effect has begun\n') });
    });

    interface Where {
      readonly state: string;
      readonly journal: string;
      readonly workspace: string;
      readonly hostPid: number;
      readonly other: string;
      readonly otherShell: number;
    }
    let found: Where | undefined;
    async function whereabouts(): Promise<Where> {
      if (found !== undefined) return found;
      const other = await hosts.open(await asToolUser(hosts, { sessionId: 'sesn_other' }));
      const otherShell = Number(await bash('echo mine > file; echo $$', other));
      const { journal, workspace } = hosts.paths();
      found = {
        ...{ state: hosts.stateDir, journal, workspace, hostPid: opened.hostPid },
        ...{ other: other.workspace, otherShell },
      };
      return found;
    }
  });

if (problem === undefined)
  describe('a session under a tool user', () => {
    const hosts = useHosts();

    test('ends with all that its tools started, also what has shed every mark', async () => {
      const opened = await hosts.open(await asToolUser(hosts));
      const command = '(env -i setsid sleep 300 > /dev/null 2>&1 & echo $! > shed)';
      await hosts.call(hosts.client(opened), 'call_1', 'bash', { command });
      const pid = Number(readFileSync(join(opened.workspace, 'shed'), 'utf8'));
      expect(isRunning(pid)).toBe(true);
      expect(await close(opened, hosts)).toMatchObject({ kind: 'closed', survivors: [] });
      expect(isRunning(pid)).toBe(false);
    });

    test('that was served without one is handed over with its files, when no call runs', async () => {
      const before = await hosts.open();
      const client = hosts.client(before);
      await hosts.call(client, 'call_1', 'bash', { command: 'mkdir -m 700 deep; echo old > deep/file' });
      await client.startOrAttach(
        'call_2',
        request('bash', { command: 'touch on; sleep 300' }, { waitMs: 0 }),
      );
      await until('the call runs', () => existsSync(join(before.workspace, 'on')) || undefined);
      const wanted = await asToolUser(hosts, { expected: before });
      const busy = await hosts.open(wanted);
      expect(busy).toMatchObject({
        how: 'attached',
        notes: [expect.stringContaining('another HOLDFAST_TOOL_USER')],
      });
      await client.stop('call_2', 'test');

      const after = await hosts.open(wanted);
      expect(after).toMatchObject({ how: 'restarted', incarnation: before.incarnation });
      expect(after.hostPid).not.toBe(before.hostPid);
      const command = 'id -u; cat deep/file; echo new >> deep/file && tail -n1 deep/file';
      expect(textOf(await hosts.call(hosts.client(after), 'call_3', 'bash', { command }))).toContain(
        `${NOBODY}\nold\nnew`,
      );
      const back = await hosts.open({ expected: before });
      expect(back.how).toBe('restarted');
      expect(
        textOf(await hosts.call(hosts.client(back), 'call_4', 'bash', { command: 'id -u; rm -r deep' })),
      ).toContain('0');
    });

    test('mounts its memory stores as that user: a link leads nowhere that a tool could not go', async () => {
      const opened = await hosts.open(await asToolUser(hosts));
      const client = hosts.client(opened);
      const closed = await mkdtemp(join(tmpdir(), 'hf-closed-'));
      const root = join(opened.workspace, 'memory', 'notes');
      const api = await startMemoryApi(SESSION, root);
      api.memories.set('/a.md', 'first');
      const mount = { sessionId: SESSION, token: 'sk-ant-req-x', baseURL: api.address, headers: {} };
      const request = { ...mount, memorySyncMs: 5_000, memoryDeletions: 'enabled' } as const;
      try {
        await hosts.call(client, 'link', 'bash', { command: `ln -s ${closed} memory` });
        expect(await client.mount(request)).toMatchObject({
          kind: 'failed',
          reason: expect.stringContaining('EACCES'),
        });
        expect(existsSync(join(closed, 'notes'))).toBe(false);

        await hosts.call(client, 'unlink', 'bash', { command: 'rm memory' });
        expect((await client.mount(request)).kind).toBe('mounted');
        await hosts.call(client, 'edit', 'bash', {
          command: `echo second > ${root}/a.md; echo hi > ${root}/b.md`,
        });
        const record = join(hosts.paths().journal, 'mounts.json');
        expect(statSync(record).uid).toBe(0);
        expect(await client.close({ graceMs: 0, killRunning: true })).toMatchObject({ mountFailures: [] });
        expect(Object.fromEntries(api.memories)).toEqual({ '/a.md': 'second\n', '/b.md': 'hi\n' });
        expect(existsSync(record)).toBe(false);
      } finally {
        await api.close();
        await rm(closed, { recursive: true, force: true });
      }
    });

    test('is removed whole, and no link takes anything else along', async () => {
      const opened = await hosts.open(await asToolUser(hosts));
      const outside = await mkdtemp(join(tmpdir(), 'hf-kept-'));
      writeFileSync(join(outside, 'file'), 'kept');
      const command = `mkdir -p a/b; ln -s ${outside} a/out; touch a/b/c; chmod 0 a/b`;
      await hosts.call(hosts.client(opened), 'call_1', 'bash', { command });
      await close(opened, hosts);
      const { stateDir } = hosts;
      expect(await removeWorkspace({ stateDir, sessionId: SESSION, why: 'test' })).toBe(true);
      expect(existsSync(hosts.paths().folder)).toBe(false);
      expect(await readFile(join(outside, 'file'), 'utf8')).toBe('kept');
      await rm(outside, { recursive: true, force: true });
    });

    test.each([
      [{ text: 'root', user: 'root', group: undefined }, /that is root/],
      [{ text: 'no-such-user', user: 'no-such-user', group: undefined }, /no such user; create it: useradd/],
      [{ text: 'nobody:no-such', user: 'nobody', group: 'no-such' }, /no such group/],
      [{ text: 'nobody:root', user: 'nobody', group: 'root' }, /group 0/],
    ])('does not begin with %j', async (toolUser, why) => {
      await chmod(hosts.stateDir, 0o711);
      const isolated = await isolatedIn(hosts.stateDir, { toolUser });
      expect(isolated).toMatchObject({ kind: 'unusable', problem: expect.stringMatching(why) });
    });

    test('with one group for all sessions is as the others are, and open to them', async () => {
      const isolated = await asToolUser(hosts);
      const shared = { ...isolated, toolUser: { uid: NOBODY, gid: NOBODY } };
      const opened = await hosts.open(shared);
      await hosts.open({ ...shared, sessionId: 'sesn_other' });
      const command = `id -G; ls ${hosts.paths('sesn_other').workspace} && echo open; ls ${hosts.paths().journal}`;
      const said = errorText(await hosts.call(hosts.client(opened), 'call_1', 'bash', { command }));
      expect(said).toMatch(new RegExp(`^${NOBODY}\nopen\n.*Permission denied`));
    });

    test('does not begin where its user cannot get to the workspaces: the folder in the way is named', async () => {
      const closed = join(hosts.stateDir, 'closed');
      await mkdir(join(closed, 's'), { recursive: true });
      await chmod(hosts.stateDir, 0o711);
      await chmod(closed, 0o700);
      const isolated = await isolatedIn(join(closed, 's'));
      expect(isolated).toMatchObject({
        kind: 'unusable',
        problem: expect.stringContaining(`the state folder is closed to that user at ${closed}:`),
      });
    });

    test('does not begin where what tools start could not be found again', async () => {
      const env = {
        ...{ ANTHROPIC_API_KEY: 'k', HOLDFAST_STATE_DIR: hosts.stateDir, HOLDFAST_TOOL_USER: 'nobody' },
        ...{ PATH: process.env.PATH, HOME: hosts.stateDir },
      };
      await chmod(hosts.stateDir, 0o711);
      // What Docker leaves to root in a container, as far as it matters here.
      const rights = '-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid';
      const args = ['--bounding-set', rights, process.execPath, HOLDFAST, 'worker'];
      const run = spawnSync('setpriv', args, { env, encoding: 'utf8', cwd: '/' });
      expect(run.stderr).toMatch(/the worker may not see what its tools start .*CAP_SYS_PTRACE/);
      expect(run.status).toBe(2);
    });

    test('does not begin under a worker that is not root: it says so, and what to do', async () => {
      await chown(hosts.stateDir, NOBODY, NOBODY);
      const env = {
        ANTHROPIC_API_KEY: 'k',
        HOLDFAST_STATE_DIR: hosts.stateDir,
        HOLDFAST_TOOL_USER: 'daemon',
        HOME: hosts.stateDir,
      };
      const run = spawnSync(process.execPath, [HOLDFAST, 'worker'], {
        uid: NOBODY,
        gid: NOBODY,
        env,
        encoding: 'utf8',
        cwd: '/',
      });
      await chown(hosts.stateDir, 0, 0);
      expect(run.stderr).toMatch(
        /HOLDFAST_TOOL_USER is daemon: only root can start tools as another user, and this worker is uid 65534; run the worker as root, or/,
      );
      expect(run.status).toBe(2);
    });
  });

async function asToolUser(hosts: Hosts, options: Partial<OpenOptions> = {}): Promise<Partial<OpenOptions>> {
  await chmod(hosts.stateDir, 0o711);
  const isolated = await isolatedIn(hosts.stateDir);
  if (isolated.kind === 'unusable') throw new Error(isolated.problem);
  const { toolUser, toolEnv } = isolated;
  return { toolUser, toolEnv, ...options };
}

test.each([
  ['         0          0 4294967295\n', true],
  ['         0     100000      65536\n', false],
  ['0 0 1\n1 100000 65536\n', false],
])('a user namespace with the groups %j has those of sessions: %s', (map, expected) => {
  expect(mappedGroups(map)).toBe(expected);
});
