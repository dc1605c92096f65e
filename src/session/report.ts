/**
 * What the agent is told when a call did not simply end. Built from evidence alone, and worded so that a model
 * takes it neither for a user's interrupt nor for a refusal.
 */
import type { Evidence } from './outcome.ts';

/** The text for a call whose true outcome is not known (§4, the interrupted report). */
export function interruptedReport(name: string, reason: string, evidence: Evidence, starts: number): string {
  const lines = [
    `The outcome of this ${name} call is not known: ${reason}.`,
    `Call: ${name}${evidence.input === '' ? '' : `: ${evidence.input}`}`,
    `Started at ${time(evidence.startedAt)}, ${end(evidence)}${starts > 1 ? ` (started ${starts} times)` : ''}.`,
    ...output(evidence),
    ...exit(evidence),
    ...survivors(evidence),
    'It was not retried. It may have taken effect, wholly or in part: check before you do it again.',
    'This is a fault of the machine that ran the tool. No user interrupted or refused the call.',
  ];
  return lines.join('\n');
}

/** The text for a call that was stopped on purpose while it ran, or was kept from starting. */
export function stoppedReport(name: string, why: string, evidence: Evidence, starts: number): string {
  if (starts === 0) return `This ${name} call was not started: ${why}. It had no effect.`;
  const lines = [
    `This ${name} call was stopped before it ended: ${why}.`,
    `Call: ${name}${evidence.input === '' ? '' : `: ${evidence.input}`}`,
    `Started at ${time(evidence.startedAt)}, stopped after ${duration(evidence)}.`,
    ...output(evidence),
    ...exit(evidence),
    ...survivors(evidence),
    'What it did until then stands. It was not retried.',
  ];
  return lines.join('\n');
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function end(evidence: Evidence): string {
  return evidence.recordsLost ? 'its end was not seen' : `last known to run ${duration(evidence)} later`;
}

function duration(evidence: Evidence): string {
  return `${(Math.max(0, evidence.endedAt - evidence.startedAt) / 1000).toFixed(1)} s`;
}

function output(evidence: Evidence): string[] {
  if (evidence.recordsLost) return ['What it had written is lost.'];
  if (evidence.lastLines.length === 0) return ['It had written no output.'];
  return ['Its last output:', ...evidence.lastLines.map(line => `  ${line}`)];
}

function exit(evidence: Evidence): string[] {
  return evidence.exitStatus === undefined ? [] : [`Its exit status was ${evidence.exitStatus}.`];
}

function survivors(evidence: Evidence): string[] {
  if (evidence.survivors.length === 0) return [];
  return ['These processes of it could not be ended and may still run:', ...evidence.survivors];
}
