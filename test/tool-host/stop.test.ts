import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ToolHostClient } from '../../src/tool-host/client.ts';
import { close, FIXTURE_TOOLS, isRunning, request, textOf, until, untilFile, useHosts } from './hosts.ts';

const hosts = useHosts();

async function start(client: ToolHostClient, id: string, command: string): Promise<void> {
  const answer = await client.startOrAttach(id, request('bash', { command }, { waitMs: 0 }));
  expect(answer.kind).toBe('running');
}

describe('a stop', () => {
  test('before the start bars the call for good, also after the host was restarted', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const stopped = await client.stop('call_1', 'test');
    expect(stopped).toMatchObject({ kind: 'not-started', outcome: { kind: 'stopped', starts: 0 } });
    const call = { command: 'touch harm' };
    expect(await hosts.call(client, 'call_1', 'bash', call)).toMatchObject({ kind: 'stopped', starts: 0 });
    await close(opened, hosts);
    const again = hosts.client(await hosts.open({ expected: opened }));
    expect(await hosts.call(again, 'call_1', 'bash', call)).toMatchObject({ kind: 'stopped', starts: 0 });
    expect(textOf(await hosts.call(again, 'call_2', 'bash', { command: 'ls' }))).toBe('(no output)');
  });

  test('of an ended call answers its outcome', async () => {
    const client = hosts.client(await hosts.open());
    const outcome = await hosts.call(client, 'call_1', 'bash', { command: 'echo done' });
    expect(await client.stop('call_1', 'test')).toEqual({ kind: 'already-ended', outcome });
  });

  test('kills the command with every grandchild that left its session, before it is answered', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const at = (name: string): string => join(opened.workspace, name);
    await start(
      client,
      'call_1',
      [
        'echo $$ > shell',
        "setsid sh -c 'echo $$ > gone; exec sleep 300' &",
        '(setsid sh -c \'sh -c "echo \\$\\$ > twice; exec sleep 300" & exit\' &)',
        '(while :; do sleep 0.1; done) & echo $! > subshell',
        'echo working; sleep 300',
      ].join('\n'),
    );
    const files = ['shell', 'gone', 'twice', 'subshell'];
    const pids = await Promise.all(files.map(async name => Number(await untilFile(at(name)))));
    await until('its output', async () => {
      const log = await client.log('call_1');
      return log.kind === 'log' && log.bytes.length > 0 ? true : undefined;
    });
    expect(pids.map(isRunning)).toEqual([true, true, true, true]);
    const stopped = await client.stop('call_1', 'test');
    expect(pids.map(isRunning)).toEqual([false, false, false, false]);
    expect(stopped).toMatchObject({
      kind: 'stopped',
      outcome: { kind: 'stopped', starts: 1, evidence: { lastLines: ['working'], survivors: [] } },
    });
    expect(await hosts.call(client, 'call_1', 'bash', {})).toMatchObject({ kind: 'stopped', starts: 1 });
  });

  test('of one call leaves its siblings alone, and the next bash result tells of the new shell', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS });
    const client = hosts.client(opened);
    const file = join(opened.workspace, 'sibling');
    const sibling = hosts.call(client, 'call_2', 'effect', { file, ms: 700 });
    await untilFile(file);
    await start(client, 'call_1', 'cd /; sleep 300');
    await client.stop('call_1', 'test');
    expect(textOf(await sibling)).toBe('effect');
    const next = textOf(await hosts.call(client, 'call_3', 'bash', { command: 'pwd' }));
    expect(next).toMatch(/^\[Note: the shell was ended with the command that was stopped.*\]\n/);
    expect(next.split('\n').at(-1)).toBe(opened.workspace);
    expect(textOf(await hosts.call(client, 'call_4', 'bash', { command: 'echo plain' }))).toBe('plain');
  });

  test('ends a tool in a thread, and kills the processes it has started', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { abortGraceMs: 50 } });
    const client = hosts.client(opened);
    const file = join(opened.workspace, 'orphan');
    await client.startOrAttach('call_1', request('orphan', { file }, { waitMs: 0 }));
    const pid = Number(await untilFile(file));
    expect(isRunning(pid)).toBe(true);
    expect(await client.stop('call_1', 'test')).toMatchObject({ kind: 'stopped' });
    expect(isRunning(pid)).toBe(false);
  });
});
