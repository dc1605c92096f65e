/** A call that was started, has no outcome and does not run: its host died under it. */
import { failpoint } from '../failpoint.ts';
import type { Evidence, ToolOutcome } from '../session/outcome.ts';
import { EVIDENCE_BYTES, lastLines } from './evidence.ts';
import type { Journal, StartRecord } from './journal.ts';
import { killAll } from './kill.ts';
import type { HostLimits } from './limits.ts';
import { callMark } from './paths.ts';
import { bootId } from './processes.ts';

interface Surroundings {
  readonly incarnation: string;
  readonly journal: Journal;
  readonly limits: HostLimits;
}

/** Records that the call's end is unknown, with what evidence there is. It stays so, and is not run again (I4). */
export async function settleInterrupted(
  around: Surroundings,
  id: string,
  started: StartRecord,
): Promise<ToolOutcome> {
  const { journal } = around;
  const survivors = await killLeftovers(around, id);
  const end = await journal.readLogEnd(id, EVIDENCE_BYTES);
  const { startedAt, starts, input } = started;
  const evidence: Evidence = {
    input,
    startedAt,
    endedAt: Math.max(startedAt, end?.writtenAt ?? 0),
    lastLines: lastLines(end?.text ?? ''),
    survivors,
  };
  const reason = whyUnknown(started);
  const finishedAt = Date.now();
  const outcome: ToolOutcome = { kind: 'unknown', reason, evidence, startedAt, finishedAt, starts };
  await failpoint('report.unrecorded');
  await journal.recordOutcome(id, outcome);
  await failpoint('report.recorded');
  return outcome;
}

/** Kills what the call's earlier start has left running. @returns what could not be killed, as `pid command`. */
export async function killLeftovers(around: Surroundings, id: string): Promise<readonly string[]> {
  const marks = [`HOLDFAST_HOST=${around.incarnation}`, `HOLDFAST_CALL=${callMark(id)}`];
  const { survivors } = await killAll({ marks }, around.limits.killMs);
  return survivors;
}

function whyUnknown(started: StartRecord): string {
  if (started.damaged === true) return 'its record in the journal is damaged';
  return started.bootId === bootId()
    ? 'the tool host process ended while the tool ran'
    : 'the machine was restarted while the tool ran';
}
