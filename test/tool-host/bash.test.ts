import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRunning, request, textOf, until, untilFile, useHosts } from './hosts.ts';

const hosts = useHosts();

describe('bash', () => {
  test('runs calls that come at once one after another', async () => {
    const client = hosts.client(await hosts.open());
    const ids = ['a', 'b', 'c', 'd'];
    const commands = ids.map(id => `echo ${id}1 >> all; sleep 0.1; echo ${id}2 >> all`);
    await Promise.all(
      commands.map((command, index) => hosts.call(client, ids[index] ?? '', 'bash', { command })),
    );
    const lines = textOf(await hosts.call(client, 'e', 'bash', { command: 'cat all' })).split('\n');
    for (const id of ids) expect(lines.indexOf(`${id}2`)).toBe(lines.indexOf(`${id}1`) + 1);
  });

  test('stops a call that waits for its turn without harming the one that runs', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const command = 'touch begun; until [ -e go ]; do sleep 0.05; done; echo done';
    const first = hosts.call(client, 'first', 'bash', { command });
    await until('the first runs', () => existsSync(join(opened.workspace, 'begun')) || undefined);
    await client.startOrAttach('second', request('bash', { command: 'touch harm' }, { waitMs: 0 }));
    expect(await client.stop('second', 'test')).toMatchObject({ kind: 'stopped' });
    const third = hosts.call(client, 'third', 'bash', { command: 'ls' });
    await hosts.call(client, 'go', 'write', { file_path: 'go', content: '' });
    expect(textOf(await first)).toBe('done');
    expect(textOf(await third)).toBe('begun\ngo');
  });

  test('kills a timed-out command with what left its session', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const command = "setsid sh -c 'echo $$ > gone; exec sleep 300' & sleep 300";
    const outcome = hosts.call(client, 'call_1', 'bash', { command, timeout_ms: 5_000 });
    const pid = Number(await untilFile(join(opened.workspace, 'gone')));
    expect(textOf(await outcome)).toBe('bash: bash command timed out after 5000ms');
    expect(isRunning(pid)).toBe(false);
  });

  test("yields to the call's own timeout when that is shorter", async () => {
    const client = hosts.client(await hosts.open());
    const outcome = await hosts.call(client, 'call_1', 'bash', { command: 'sleep 300' }, { timeoutMs: 300 });
    expect(textOf(outcome)).toBe('Error: bash timed out after 300 ms and was ended');
  });

  test('leaves a background job of an ended call alone, and a stop of another call too', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const command = "setsid sh -c 'echo $$ > server; exec sleep 300' & echo started";
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command }))).toBe('started');
    const pid = Number(await untilFile(join(opened.workspace, 'server')));
    await client.startOrAttach(
      'call_2',
      request('bash', { command: 'touch second; sleep 300' }, { waitMs: 0 }),
    );
    await until('call_2 runs', async () => {
      const ls = await hosts.call(client, `ls_${Math.random()}`, 'glob', { pattern: 'second' });
      return textOf(ls).includes('second') || undefined;
    });
    await client.stop('call_2', 'test');
    expect(isRunning(pid)).toBe(true);
  });

  test('runs its shell under the command prefix', async () => {
    const opened = await hosts.open({ toolCommand: ['env', 'PREFIXED=yes'] });
    const client = hosts.client(opened);
    const command = 'echo $PREFIXED; env | grep -c HOLDFAST_';
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command }))).toBe('yes\n2');
  });

  test('tells of a shell that cannot be started', async () => {
    const client = hosts.client(await hosts.open({ toolCommand: ['/no/such/sandbox'] }));
    const text = textOf(await hosts.call(client, 'call_1', 'bash', { command: 'true' }));
    expect(text).toMatch(/^bash: .*\/no\/such\/sandbox/);
  });
});
