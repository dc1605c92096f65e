import { expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/record.ts';
import { costTable, sizingTable } from '../../bench/report/sizing.ts';

const MB = 1_048_576;
const perCall = {
  workerCpu: 30,
  toolHostCpu: 6,
  serverCpu: 60,
  historyEvents: 13.3,
  historyBytes: 5_300,
  actions: 4.1,
  requests: 1,
};

function record(): BenchRecord {
  const peer = (name: string, figures = {}) => ({
    peer: name,
    failure: null,
    summary: { perCall, figures, memory: { toolHostPss: 50 * MB } },
  });
  const both = [peer('holdfast'), peer('straightforward')];
  const listening = peer('holdfast', {
    'worker PSS a session, MB': 0.5,
    'worker PSS with one session, MB': 300,
  });
  return {
    workloads: [
      { name: 'no-op', peers: both },
      { name: 'sessions-50', peers: both },
      { name: 'listening-1000', peers: [listening] },
    ],
  } as unknown as BenchRecord;
}

test('a thousand calls cost a thousand times what one does, in the units of the columns', () => {
  expect(costTable(record()).split('\n')[2]).toBe(
    '| Holdfast | 30 | 6 | 60 | 4,100 | 13,300 | 5.3 | 1,000 |',
  );
});

test('cores follow from the calls a second at 60 % use, memory from sessions listened to and tool hosts', () => {
  // 1,000 sessions with a call every 30 s: 33.3 calls/s × 30 ms = 1 core, of which 60 % is used.
  expect(sizingTable(record()).split('\n')[4]).toBe('| 1,000 | 33.3 | 1.67 | 0.33 | 3.33 | 800 | 50,000 |');
});

test('a record of some workloads only is refused with what to do', () => {
  const some = { ...record(), workloads: record().workloads.slice(0, 2) };
  expect(() => sizingTable(some)).toThrow(
    'the record has no listening-1000 of holdfast: run npm run bench without --only',
  );
});
