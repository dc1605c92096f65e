import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { close, isRunning, linesOf, request, SLEEPER, sleeper, textOf, until, useHosts } from './hosts.ts';

const hosts = useHosts();

describe('a host that was killed', () => {
  test('is replaced on its journal; what it left is dead, its running call unknown and not run again', async () => {
    const opened = await hosts.open();
    const done = await hosts.call(hosts.client(opened), 'call_0', 'bash', { command: 'echo kept' });
    const left = await sleeper(hosts, opened);
    process.kill(opened.hostPid, 'SIGKILL');
    await until('the host is dead', () => !isRunning(opened.hostPid));
    const dead = hosts.client(opened);
    const call = request('bash', { command: SLEEPER });
    expect(await dead.startOrAttach('call_1', call)).toMatchObject({ kind: 'no-host' });

    const again = await hosts.open({ expected: opened });
    expect(again).toMatchObject({ how: 'restarted', incarnation: opened.incarnation });
    expect(again.notes.join(' ')).toContain(String(left[1]));
    expect(left.map(isRunning)).toEqual([false, false]);
    const client = hosts.client(again);
    const outcome = await hosts.call(client, 'call_1', 'bash', { command: SLEEPER });
    expect(outcome).toMatchObject({
      kind: 'unknown',
      reason: 'the tool host process ended while the tool ran',
      starts: 1,
      evidence: { lastLines: ['said'], survivors: [] },
    });
    expect(await hosts.call(client, 'call_1', 'bash', { command: SLEEPER })).toEqual(outcome);
    expect(await hosts.call(client, 'call_0', 'bash', { command: 'echo kept' })).toEqual(done);
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['begun']);
    const next = textOf(await hosts.call(client, 'call_2', 'bash', { command: 'echo next' }));
    expect(next).toMatch(/^\[Note: the tool host was restarted\..*is gone.*\]\nnext$/);
    expect(textOf(await hosts.call(client, 'call_3', 'bash', { command: 'echo plain' }))).toBe('plain');
  });

  test('has an idempotent call started again, three times in all', async () => {
    const file = join(hosts.stateDir, 'starts');
    let expected: { incarnation: string } | undefined;
    const call = request(
      'bash',
      { command: `echo start >> ${file}; sleep 300` },
      { idempotent: true, waitMs: 0 },
    );
    for (const starts of [1, 2, 3]) {
      const opened = await hosts.open({ expected });
      expected = opened;
      expect((await hosts.client(opened).startOrAttach('call_1', call)).kind).toBe('running');
      await until(`start ${starts}`, async () => (await linesOf(file)).length === starts || undefined);
      process.kill(opened.hostPid, 'SIGKILL');
      await until('the host is dead', () => !isRunning(opened.hostPid));
    }
    const client = hosts.client(await hosts.open({ expected }));
    expect(await client.startOrAttach('call_1', call)).toMatchObject({
      outcome: { kind: 'unknown', starts: 3 },
    });
    expect(await linesOf(file)).toEqual(['start', 'start', 'start']);
  });

  test('can still have its call stopped: the call is unknown, what it left is dead', async () => {
    const opened = await hosts.open();
    const left = await sleeper(hosts, opened);
    process.kill(opened.hostPid, 'SIGKILL');
    const client = hosts.client(await hosts.open({ expected: opened }));
    expect(await client.stop('call_1', 'test')).toMatchObject({
      kind: 'already-ended',
      outcome: { kind: 'unknown' },
    });
    expect(left.map(isRunning)).toEqual([false, false]);
  });
});

test('a host that is stopped in its tracks is killed and replaced', async () => {
  const opened = await hosts.open();
  const left = await sleeper(hosts, opened);
  process.kill(opened.hostPid, 'SIGSTOP');
  const silent = hosts.client(opened);
  expect(await silent.health({ timeoutMs: 50 })).toEqual({ kind: 'silent' });
  const again = await hosts.open({ expected: opened, hungAfterMs: 300 });
  expect(again).toMatchObject({ how: 'restarted', incarnation: opened.incarnation });
  expect(again.notes[0]).toBe('The tool host did not answer for 300 ms and was killed.');
  expect([opened.hostPid, ...left].map(isRunning)).toEqual([false, false, false]);
  const outcome = await hosts.call(hosts.client(again), 'call_1', 'bash', { command: SLEEPER });
  expect(outcome.kind).toBe('unknown');
});

describe('a journal deleted by hand', () => {
  test('makes its live host answer host-lost, kill its tools and go', async () => {
    const opened = await hosts.open({ limits: { journalCheckMs: 60_000 } });
    const left = await sleeper(hosts, opened);
    await rm(hosts.paths().journal, { recursive: true });
    const answer = await hosts.client(opened).startOrAttach('call_1', request('bash', { command: SLEEPER }));
    expect(answer).toMatchObject({ kind: 'host-lost' });
    await until('the host is gone', () => ![opened.hostPid, ...left].some(isRunning));
  });

  test('is noticed by a host that nobody asks', async () => {
    const opened = await hosts.open({ limits: { journalCheckMs: 50 } });
    const left = await sleeper(hosts, opened);
    await rm(hosts.paths().journal, { recursive: true });
    await until('the host is gone', () => ![opened.hostPid, ...left].some(isRunning));
  });

  test('gives a new incarnation and says what was lost; an old call is not run again', async () => {
    const opened = await hosts.open({ limits: { journalCheckMs: 60_000 } });
    const left = await sleeper(hosts, opened);
    await rm(hosts.paths().journal, { recursive: true });
    const fresh = await hosts.open({ expected: opened });
    expect(fresh.how).toBe('new');
    expect(fresh.incarnation).not.toBe(opened.incarnation);
    expect(fresh.notes.join(' ')).toContain(
      `The journal of incarnation ${opened.incarnation} is not on this host`,
    );
    expect(fresh.notes.join(' ')).toContain('files of the workspace are still there');
    expect([opened.hostPid, ...left].map(isRunning)).toEqual([false, false, false]);
    const old = hosts.client({ socketPath: fresh.socketPath, incarnation: opened.incarnation });
    const call = request('bash', { command: SLEEPER });
    expect(await old.startOrAttach('call_1', call)).toMatchObject({ kind: 'host-lost' });
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['begun']);
  });

  test('gives the same new incarnation when the answer of that open was lost', async () => {
    const opened = await hosts.open();
    await rm(hosts.paths().folder, { recursive: true });
    const fresh = await hosts.open({ expected: opened });
    const retried = await hosts.open({ expected: opened });
    expect(retried).toMatchObject({ how: 'new', incarnation: fresh.incarnation, hostPid: fresh.hostPid });
    process.kill(fresh.hostPid, 'SIGKILL');
    expect((await hosts.open({ expected: opened })).incarnation).toBe(fresh.incarnation);
  });
});

test("a journal that was copied from another machine is not taken for this one's", async () => {
  const opened = await hosts.open();
  await close(opened, hosts);
  const path = join(hosts.stateDir, 'host-id');
  const record = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...record, machine: 'another' }));
  const fresh = await hosts.open({ expected: opened });
  expect(fresh.how).toBe('new');
  expect(fresh.incarnation).not.toBe(opened.incarnation);
});
