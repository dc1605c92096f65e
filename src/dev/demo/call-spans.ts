/** The timeline's rows, from what the agent did, what was posted and what is known of the runs. */
import type { LedgerReport } from '../../emulator/ledger.ts';
import type { CallRecord } from '../../workflows/messages.ts';
import type { PlannedCall } from './agent-script.ts';
import type { Span, TimelineCall } from './timeline.ts';

export function timelineCalls(
  made: readonly PlannedCall[],
  ledger: LedgerReport,
  runs: ReadonlyMap<string, readonly Span[]>,
  effects: ReadonlyMap<string, number>,
): TimelineCall[] {
  const entries = new Map(ledger.calls.map(call => [call.id, call]));
  return made.flatMap(call => {
    const entry = entries.get(call.id);
    if (entry === undefined) return [];
    return {
      label: `${call.name.padEnd(6)} ${call.what}`,
      emittedAt: entry.emitted_at,
      runs: runs.get(call.id) ?? [],
      postedAt: entry.accepted[0]?.at,
      effects: call.effect === undefined ? 0 : (effects.get(call.effect) ?? 0),
    };
  });
}

/** Holdfast's own records: a call has one run, however many workers it outlives. */
export function runsOfRecords(records: readonly CallRecord[]): Map<string, Span[]> {
  const runs = new Map<string, Span[]>();
  for (const { id, startedAt, finishedAt } of records) {
    if (startedAt === null) continue;
    const to = finishedAt === null ? undefined : Date.parse(finishedAt);
    runs.set(id, [{ from: Date.parse(startedAt), to }]);
  }
  return runs;
}
