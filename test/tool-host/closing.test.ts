import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readIncarnation } from '../../src/tool-host/journal.ts';
import { takeNotes } from '../../src/tool-host/session-notes.ts';
import {
  close,
  FIXTURE_TOOLS,
  isRunning,
  request,
  SESSION,
  sleeper,
  textOf,
  until,
  untilFile,
  useHosts,
} from './hosts.ts';

const hosts = useHosts();

describe('closing a workspace', () => {
  test('ends the host and all it has started, keeps files and journal, and may be repeated', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const background = "setsid sh -c 'echo $$ > gone; exec sleep 300' & touch kept";
    await hosts.call(client, 'call_1', 'bash', { command: background });
    const pid = Number(await untilFile(join(opened.workspace, 'gone')));
    const report = await close(opened, hosts);
    expect(report).toMatchObject({ kind: 'closed', stoppedCalls: [], survivors: [], hookFailures: [] });
    // The shell may still be dying of its own kill when the leftovers are counted.
    expect(report).toMatchObject({ killed: expect.arrayContaining([expect.stringContaining(`${pid} `)]) });
    expect([pid, opened.hostPid].map(isRunning)).toEqual([false, false]);
    expect(await close(opened, hosts)).toEqual({ kind: 'not-running', killed: [], survivors: [] });
    expect(existsSync(join(opened.workspace, 'kept'))).toBe(true);
    expect(readIncarnation(hosts.paths().journal)).toMatchObject({
      incarnation: opened.incarnation,
      sessionId: SESSION,
    });
    expect(await hosts.open({ expected: opened })).toMatchObject({ how: 'started', notes: [] });
  });

  test('is refused while a call runs, unless that is to be killed', async () => {
    const opened = await hosts.open();
    const [shell = 0] = await sleeper(hosts, opened);
    const busy = await close(opened, hosts, { killRunning: false });
    expect(busy).toMatchObject({ kind: 'busy', running: [{ id: 'call_1', name: 'bash' }] });
    expect(isRunning(shell)).toBe(true);
    expect(await close(opened, hosts)).toMatchObject({ kind: 'closed', stoppedCalls: ['call_1'] });
    const client = hosts.client(await hosts.open({ expected: opened }));
    expect(await client.outcome('call_1')).toMatchObject({ outcome: { kind: 'stopped' } });
  });

  test('lets a running call end within the grace, and starts no other', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const command = 'touch begun; until [ -e go ]; do sleep 0.05; done; echo done';
    const call = hosts.call(client, 'call_1', 'bash', { command });
    await until('the call runs', () => existsSync(join(opened.workspace, 'begun')) || undefined);
    const closing = close(opened, hosts, { graceMs: 60_000 });
    const other = hosts.client(opened);
    const refused = await until('a new call is refused', async () => {
      const health = await other.health({ timeoutMs: 1_000 });
      if (health.kind !== 'health' || !health.closing) return undefined;
      return other.startOrAttach('call_2', request('bash', { command: 'touch harm' }));
    });
    expect(refused).toMatchObject({ kind: 'no-host' });
    await writeFile(join(opened.workspace, 'go'), '');
    expect(textOf(await call)).toBe('done');
    expect(await closing).toMatchObject({ kind: 'closed', stoppedCalls: [] });
    expect(existsSync(join(opened.workspace, 'harm'))).toBe(false);
  });

  test('cuts the grace of an earlier close short', async () => {
    const opened = await hosts.open();
    const [shell = 0] = await sleeper(hosts, opened);
    const patient = close(opened, hosts, { graceMs: 600_000 });
    const client = hosts.client(opened);
    await until('the host is closing', async () => {
      const health = await client.health({ timeoutMs: 1_000 });
      return (health.kind === 'health' && health.closing) || undefined;
    });
    expect(isRunning(shell)).toBe(true);
    expect(await close(opened, hosts)).toMatchObject({ kind: 'closed', stoppedCalls: ['call_1'] });
    expect(await patient).toMatchObject({ kind: 'closed', stoppedCalls: ['call_1'] });
  });

  test('of another incarnation touches nothing', async () => {
    const opened = await hosts.open();
    const report = await close({ ...opened, incarnation: 'another' }, hosts);
    expect(report).toMatchObject({ kind: 'host-lost' });
    expect(await hosts.open({ expected: opened })).toMatchObject({ how: 'attached' });
  });
});

describe('a host', () => {
  test('that nobody speaks to ends itself, but not under a running call', async () => {
    const limits = { unspokenMs: 100, journalCheckMs: 20 };
    const command = 'echo begun > begun; until [ -e go ]; do sleep 0.05; done; echo done';
    // On a busy machine the host may be gone before the call reaches it: then it is opened again.
    const opened = await until('the call runs', async () => {
      const host = await hosts.open({ limits });
      const answer = await hosts
        .client(host)
        .startOrAttach('call_1', request('bash', { command }, { waitMs: 0 }));
      return answer.kind === 'running' ? host : undefined;
    });
    await untilFile(join(opened.workspace, 'begun'));
    await sleep(500);
    expect(isRunning(opened.hostPid)).toBe(true);
    await writeFile(join(opened.workspace, 'go'), '');
    await until('the host is gone', () => !isRunning(opened.hostPid));
    expect(existsSync(opened.socketPath)).toBe(false);
    expect((await takeNotes(hosts.paths(), false)).at(-1)).toMatch(/ended itself: nobody spoke to it$/);
    const client = hosts.client(await hosts.open({ expected: opened }));
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command }))).toBe('done');
  });

  test('closes on SIGTERM', async () => {
    const opened = await hosts.open();
    const left = await sleeper(hosts, opened);
    process.kill(opened.hostPid, 'SIGTERM');
    await until('all is gone', () => ![opened.hostPid, ...left].some(isRunning));
    const client = hosts.client(await hosts.open({ expected: opened }));
    expect(await client.outcome('call_1')).toMatchObject({ outcome: { kind: 'stopped' } });
  });

  test('of an older tools module is replaced when no call runs', async () => {
    const toolsModule = join(hosts.stateDir, 'tools.mjs');
    const write = (text: string) =>
      writeFile(
        toolsModule,
        `export default { tools: [{ name: 'say', input_schema: { type: 'object' }, run: () => '${text}' }] };`,
      );
    await write('old');
    const old = await hosts.open({ toolsModule });
    await sleeper(hosts, old);
    await write('new');
    const kept = await hosts.open({ toolsModule, expected: old });
    expect(kept).toMatchObject({ how: 'attached', hostPid: old.hostPid, moduleHash: old.moduleHash });
    expect(kept.notes).toEqual([expect.stringContaining('older version')]);
    await hosts.client(old).stop('call_1', 'test');
    const renewed = await hosts.open({ toolsModule, expected: old });
    expect(renewed).toMatchObject({ how: 'restarted', incarnation: old.incarnation });
    expect(renewed.moduleHash).not.toBe(old.moduleHash);
    expect(textOf(await hosts.call(hosts.client(renewed), 'call_2', 'say', {}))).toBe('new');
  });

  test('has none of the credentials of the worker, nor has any tool', async () => {
    const secrets = { ANTHROPIC_API_KEY: 'secret-1', TEMPORAL_API_KEY: 'secret-2', HOLDFAST_KEY: 'secret-3' };
    const opened = await hosts.open({
      toolsModule: FIXTURE_TOOLS,
      toolEnv: { PATH: process.env.PATH ?? '', ...secrets, ALLOWED: 'yes' },
    });
    const client = hosts.client(opened);
    const environ = await readFile(`/proc/${opened.hostPid}/environ`, 'utf8');
    const seen = textOf(await hosts.call(client, 'call_1', 'seen', { a: 1 }));
    const shell = textOf(await hosts.call(client, 'call_2', 'bash', { command: 'env' }));
    for (const text of [environ, seen, shell]) {
      expect(text).not.toContain('secret');
      expect(text).toContain(`${opened.incarnation}`);
    }
    expect(shell).toContain('ALLOWED=yes');
    expect(JSON.parse(seen)).toMatchObject({
      env: { ALLOWED: 'yes', HOLDFAST_CALL: 'call_1' },
      cwd: opened.workspace,
      toolUse: { id: 'call_1', name: 'seen', input: { a: 1 }, type: 'agent.custom_tool_use' },
    });
  });
});
