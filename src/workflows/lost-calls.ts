/** Calls whose tool host is gone together with its records: what they did is not known (I4). */
import type { ToolOutcome } from '../session/outcome.ts';
import { type Call, pendingCalls } from '../session/state.ts';
import { startedBefore } from './activities.ts';
import type { Run } from './run.ts';
import type { Workspace } from './run-input.ts';

/** Answers the call with what is known of it. @param found where the session is now. */
export function answerLost(run: Run, call: Call, lost: Workspace, found: Workspace): void {
  const reason =
    found.host === lost.host
      ? 'the tool host that ran it is gone, and its records with it'
      : 'the machine that ran it has not been heard of for too long, and another one has taken over';
  run.note(`${call.id} is answered as unknown: ${reason}`);
  run.fold({ type: 'finished', id: call.id, outcome: lostWithItsHost(call, reason) });
}

/**
 * On a new incarnation: calls that an earlier run of the session had started must not start again. That run's
 * journal is not here to tell, but its history is.
 */
export async function barStarted(run: Run): Promise<void> {
  if (run.previous === undefined) return;
  const before = await startedBefore({ sessionId: run.sessionId, runId: run.previous.runId });
  if (before.kind === 'not-known')
    run.note(`what the run before had started is not known, so all of it counts: ${before.reason}`);
  const reason = 'an earlier run of the session had started it, and the records of that are gone';
  for (const call of pendingCalls(run.state)) {
    if (call.phase.kind !== 'waiting' || call.owned !== true) continue;
    const startedAt = before.kind === 'known' ? before.startedAt[call.id] : call.firstSeenAt;
    if (startedAt === undefined) continue;
    run.note(`${call.id} is answered as unknown: ${reason}`);
    run.fold({ type: 'finished', id: call.id, outcome: lostWithItsHost({ ...call, startedAt }, reason) });
  }
}

function lostWithItsHost(call: Call, reason: string): ToolOutcome {
  const finishedAt = Date.now();
  const startedAt = call.startedAt ?? finishedAt;
  const input = call.summary.replace(`${call.name}: `, '');
  const unseen = { endedAt: finishedAt, lastLines: [], recordsLost: true, survivors: [] } as const;
  return {
    kind: 'unknown',
    reason,
    evidence: { input, startedAt, ...unseen },
    startedAt,
    finishedAt,
    starts: 1,
  };
}
