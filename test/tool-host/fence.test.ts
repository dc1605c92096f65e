import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootTime, Fence } from '../../src/tool-host/fence.ts';
import { linesOf, request, until, untilFile, useHosts } from './hosts.ts';

describe('the fence', () => {
  const LOST_MS = 1_000;
  const at = (now: { ms: number }) => new Fence(LOST_MS, () => now.ms);

  test('admits only who has reached Temporal within four fifths of the limit', () => {
    const now = { ms: 5_000 };
    const fence = at(now);
    expect([fence.admits(4_200), fence.admits(4_199), fence.admits(undefined)]).toEqual([true, false, false]);
  });

  test('is over when nothing newer was heard of for that long, and what is older does not turn it back', () => {
    const now = { ms: 0 };
    const fence = at(now);
    now.ms = 700;
    fence.admits(650);
    now.ms = 1_450;
    fence.admits(100);
    expect(fence.isOver).toBe(false);
    now.ms = 1_451;
    expect(fence.isOver).toBe(true);
  });

  test('of a host that is never taken over admits everybody and is never over', () => {
    const now = { ms: 0 };
    const fence = new Fence(0, () => now.ms);
    now.ms = 1e12;
    expect([fence.admits(undefined), fence.isOver]).toEqual([true, false]);
  });
});

describe('a host that may be taken over', () => {
  const hosts = useHosts();
  const LOST = { hostLostMs: 2_000 };

  test('starts nothing for a caller that has not reached Temporal lately, and leaves no trace of it', async () => {
    const opened = await hosts.open({ hostLostMs: 60_000 });
    const client = hosts.client(opened);
    const stale = { acceptedAt: bootTime() - 50_000 };
    const input = { command: 'echo once >> effects' };
    expect(opened.hostLostMs).toBe(60_000);
    expect((await client.startOrAttach('call_1', request('bash', input, stale))).kind).toBe('stale');
    expect((await client.startOrAttach('call_1', request('bash', input))).kind).toBe('stale');
    expect(existsSync(join(opened.workspace, 'effects'))).toBe(false);
    const fresh = { acceptedAt: bootTime() };
    const answer = await client.startOrAttach('call_1', request('bash', input, fresh));
    expect(answer).toMatchObject({ kind: 'outcome', outcome: { kind: 'answered', starts: 1 } });
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['once']);
  });

  test('ends its tools when nobody brings word from Temporal, and a new host on the journal knows why', async () => {
    const opened = await hosts.open(LOST);
    const client = hosts.client(opened);
    const fresh = { acceptedAt: bootTime(), waitMs: 0 };
    const command = 'setsid sleep 300 & echo begun > begun; sleep 300';
    await client.startOrAttach('call_1', request('bash', { command }, fresh));
    await untilFile(join(opened.workspace, 'begun'));
    await until(
      'the host has ended',
      async () => (await client.health({ timeoutMs: 500 })).kind === 'no-host',
    );
    const again = await hosts.open({ ...LOST, expected: { incarnation: opened.incarnation } });
    expect(again.incarnation).toBe(opened.incarnation);
    const next = { acceptedAt: bootTime() };
    const answer = await hosts.client(again).startOrAttach('call_1', request('bash', { command }, next));
    expect(answer).toMatchObject({
      kind: 'outcome',
      outcome: { kind: 'unknown', reason: expect.stringContaining('heard nothing from Temporal'), starts: 1 },
    });
  });

  test('does not mind while its callers bring word', async () => {
    const client = hosts.client(await hosts.open(LOST));
    const begunAt = performance.now();
    for (;;) {
      const word = { acceptedAt: bootTime(), waitMs: 300 };
      const answer = await client.startOrAttach('call_1', request('bash', { command: 'sleep 4' }, word));
      if (answer.kind === 'running') continue;
      expect(answer).toMatchObject({ kind: 'outcome', outcome: { kind: 'answered', isError: false } });
      break;
    }
    expect(performance.now() - begunAt).toBeGreaterThan(LOST.hostLostMs);
  });
});
