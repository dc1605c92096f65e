/** What runs count, through Temporal's workflow meter: a replay counts nothing twice (docs/metrics.md). */
import { metricMeter } from '@temporalio/workflow';
import { type Call, callOf, type SessionState } from '../session/state.ts';
import { tallyOf, watchCalls } from '../session/tally.ts';
import type { Run } from './run.ts';

export const RUN_COUNTERS = {
  held: { name: 'holdfast_calls_held', help: 'calls that began to wait for an approval', tags: [] },
  settled: { name: 'holdfast_calls_settled', help: 'calls that are over', tags: ['how'] },
  unknown: {
    name: 'holdfast_calls_unknown',
    help: 'calls whose agent was told that their outcome is not known',
    tags: [],
  },
  stuck: { name: 'holdfast_sessions_stuck', help: 'times that a session became stuck', tags: [] },
} as const;

export function count(
  what: keyof typeof RUN_COUNTERS,
  times = 1,
  tags: Readonly<Record<string, string>> = {},
): void {
  if (times === 0) return;
  const { name, help } = RUN_COUNTERS[what];
  metricMeter.createCounter(name, '1', help).add(times, tags);
}

/** Counts what becomes of the run's calls from now on. */
export function countCalls(run: Run): void {
  watchCalls(run.state, countChange);
}

/** For what is settled all at once. */
export function countEnded(before: SessionState, after: SessionState): void {
  for (const id of before.pending) {
    const call = callOf(after, id);
    if (call !== undefined) countChange(callOf(before, id), call);
  }
}

function countChange(before: Call | undefined, after: Call): void {
  const tally = tallyOf(before, after);
  if (tally?.kind === 'held') count('held');
  else if (tally !== undefined) count('settled', 1, { how: tally.how });
}
