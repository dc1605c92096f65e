import { expect, test } from 'vitest';
import { hostKillsOf } from '../../../src/dev/chaos/evidence.ts';
import { type Recovery, recoveriesOf, spreadOf } from '../../../src/dev/chaos/recovery.ts';
import type { Phase } from '../../../src/dev/chaos/snapshot.ts';
import type { Struck } from '../../../src/dev/chaos/striker.ts';

function struck(
  victim: Struck['victim'],
  caught: Readonly<Record<string, Phase>>,
  hosts: readonly string[] = [],
) {
  const calls = Object.entries(caught).map(([id, phase]) => ({ id, phase, sessionId: id.slice(0, 2) }));
  return { victim, act: 'kill', at: 1_000, caught: calls, hosts };
}

const timesOf = (recoveries: readonly Recovery[]) => recoveries.map(({ ms }) => ms);

test('a session has recovered with its next progress after the strike', () => {
  const progress = new Map([
    ['s1', [500, 1_000, 1_700, 9_000]],
    ['s2', [1_200]],
  ]);
  const strike = struck('worker', { 's1-a': 'finished', 's1-b': 'posting', 's2-a': 'posting' });
  expect(timesOf(recoveriesOf([strike], progress))).toEqual([700, 200]);
});

test('a session that had nothing to do but wait for its tools is not measured', () => {
  const strike = struck('worker', { 's1-a': 'running', 's2-a': 'queued' });
  expect(recoveriesOf([strike], new Map([['s1', [4_000]]]))).toEqual([]);
});

test('of a tool host’s kill those sessions are measured whose hosts were killed', () => {
  const progress = new Map([
    ['s1', [1_300]],
    ['s2', [1_400]],
  ]);
  const strike = struck('tool-host', { 's1-a': 'running', 's2-a': 'posting' }, ['s1']);
  expect(timesOf(recoveriesOf([strike], progress))).toEqual([300]);
});

test('the spread is made of samples, not of values between them', () => {
  expect(spreadOf([])).toBeUndefined();
  const spread = (samples: readonly number[]) =>
    spreadOf(samples.map(ms => ({ ms, sessionId: 's1', strike: struck('worker', {}) })));
  expect(spread([3, 1, 2])).toEqual({ count: 3, p50: 2, p95: 3, max: 3 });
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(spread(hundred)).toEqual({ count: 100, p50: 50, p95: 95, max: 100 });
});

test('a kill of a tool host counts for its session’s calls that were marked or running, and for no other', () => {
  const caught = {
    's1-a': 'marked',
    's1-b': 'running',
    's1-c': 'finished',
    's1-d': 'queued',
    's2-a': 'running',
  } as const;
  const kills = hostKillsOf([
    struck('tool-host', caught, ['s1']),
    struck('worker', caught),
    struck('tool-host', { 's1-a': 'marked' }, ['s1']),
  ]);
  expect(Object.fromEntries(kills)).toEqual({ 's1-a': 2, 's1-b': 1 });
});
