import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { markedProcesses } from '../../src/tool-host/kill.ts';
import { textOf, useHosts } from './hosts.ts';

const hosts = useHosts();

describe('openWorkspace', () => {
  test('makes a new incarnation on the first open and attaches to it afterwards', async () => {
    const first = await hosts.open();
    expect(first).toMatchObject({ kind: 'opened', how: 'new', notes: [], moduleHash: '' });
    expect(first.tools.map(tool => tool.name)).toEqual(['bash', 'read', 'write', 'edit', 'glob', 'grep']);
    const second = await hosts.open({ expected: first });
    expect(second).toEqual({ ...first, how: 'attached' });
    expect(await hosts.open()).toEqual({ ...first, how: 'attached' });
  });

  test('asked for five times at once starts one host', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => hosts.open()));
    expect(new Set(opened.map(each => each.hostPid)).size).toBe(1);
    expect(new Set(opened.map(each => each.incarnation)).size).toBe(1);
    const first = opened[0];
    expect(markedProcesses('HOLDFAST_HOST', first?.incarnation ?? '?')).toEqual(
      new Map([[first?.incarnation, [first?.hostPid]]]),
    );
  });

  test('keeps two sessions apart', async () => {
    const [one, two] = await Promise.all([
      hosts.open({ sessionId: 'a/b' }),
      hosts.open({ sessionId: 'a_b' }),
    ]);
    expect(one.incarnation).not.toBe(two.incarnation);
    expect(one.workspace).not.toBe(two.workspace);
  });

  test('that is given up on leaves nothing in the way of the next', async () => {
    const giveUp = new AbortController();
    const opening = hosts.open({ signal: giveUp.signal });
    setTimeout(() => giveUp.abort(), 40);
    await expect(opening).rejects.toThrow('aborted');
    const opened = await hosts.open();
    expect(textOf(await hosts.call(hosts.client(opened), 'call_1', 'bash', { command: 'echo ok' }))).toBe(
      'ok',
    );
  });

  test('refuses a state folder whose socket path is too long, and says by how much', async () => {
    const stateDir = join(hosts.stateDir, 'x'.repeat(100));
    await expect(hosts.open({ stateDir })).rejects.toThrow(
      /too long for Unix sockets.*at least \d+ bytes shorter/,
    );
    expect(existsSync(stateDir)).toBe(false);
  });

  test('tells a broken tools module from a host that does not start', async () => {
    const toolsModule = join(hosts.stateDir, 'broken.mjs');
    await writeFile(toolsModule, 'throw new Error("no database")');
    await expect(hosts.open({ toolsModule })).rejects.toThrow(`${toolsModule} failed to load: no database`);
    await writeFile(toolsModule, 'for (;;);');
    await expect(hosts.open({ toolsModule, startMs: 1_000 })).rejects.toThrow(
      'it was not ready after 1000 ms',
    );
  });
});
