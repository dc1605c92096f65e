import { expect, test } from 'vitest';
import { ticksIn } from '../../bench/machine/cpu.ts';
import { useIn } from '../../bench/machine/memory.ts';
import { traceCalls, traceStart } from '../../bench/workloads/agent-trace.ts';
import { WORKLOADS } from '../../bench/workloads/all.ts';
import { growthOf } from '../../bench/workloads/long-session.ts';
import { sharesOf } from '../../bench/workloads/outage.ts';
import { longHistory } from '../../bench/workloads/reconnect.ts';
import { startEmulator } from '../../src/emulator/server.ts';

test('no two workloads have a name in common', () => {
  const names = WORKLOADS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('the trace is the same each time, with outputs of 9.5 kB on average and edits that follow each other', () => {
  const calls = traceCalls('a');
  expect(calls).toEqual(traceCalls('a'));
  expect(calls).toHaveLength(82);
  expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(['bash', 'read', 'grep', 'edit', 'write']));
  const bytes = calls.flatMap(({ input }) => {
    const { command } = input as { command?: string };
    return command === undefined ? [] : [Number(/head -c (\d+)/.exec(command)?.[1])];
  });
  expect(Math.max(...bytes)).toBeGreaterThan(3 * Math.min(...bytes));
  let content = 'edit 0.\n';
  expect(traceStart('a').at(1)?.input).toMatchObject({ content });
  for (const { name, input } of calls) {
    if (name !== 'edit') continue;
    const { old_string, new_string } = input as { old_string: string; new_string: string };
    expect(content.split(old_string)).toHaveLength(2);
    content = content.replace(old_string, new_string);
  }
});

test('a session with the long history has every call answered and waits for a message', async () => {
  const emulator = await startEmulator();
  try {
    const session = emulator.createSession({ script: 'manual', history: longHistory(1_000) });
    expect(session.info()).toMatchObject({ events: 1_000, open_calls: [] });
    expect(session.ledger().calls).toHaveLength(100);
  } finally {
    await emulator.close();
  }
});

test('the results of an outage are shared out evenly', () => {
  const shares = sharesOf(100, 13);
  expect(shares.reduce((a, b) => a + b)).toBe(100);
  expect([Math.min(...shares), Math.max(...shares)]).toEqual([7, 8]);
});

test('growth compares the calls at both ends, not the very first', () => {
  const took = [...Array(10).fill(900), ...Array(50).fill(10), ...Array(100).fill(99), ...Array(50).fill(20)];
  expect(growthOf(took)).toEqual({ first: 10, last: 20 });
  expect(growthOf([...Array(10).fill(900), 10, 10, 10, 10], 3)).toEqual({ first: 10, last: 10 });
  expect(growthOf([1, 2])).toBeUndefined();
});

test('processor time counts children that have ended, whatever the command is called', () => {
  const fields = ['S', ...Array(10).fill('0'), '5', '6', '7', '8', '20'];
  expect(ticksIn(`42 (a) b) ${fields.join(' ')}`)).toBe(26);
});

test('memory is read in bytes', () => {
  expect(useIn('Rss:             2048 kB\nPss:            1024 kB\nPss_Anon: 9 kB\n')).toEqual({
    rss: 2_097_152,
    pss: 1_048_576,
  });
});
