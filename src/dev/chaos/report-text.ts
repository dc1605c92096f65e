/** The report for people. Pure. */
import Table from 'cli-table3';
import type { ChaosReport } from './report.ts';
import { PHASES } from './snapshot.ts';

/** Problems that are named; the JSON has all. */
const NAMED = 20;

/** The last line is the verdict. */
export function reportText(report: ChaosReport): string {
  const { caught, strikes, recoveryMs, recoveryMsByVictim, problems, endedByThemselves } = report;
  const struck = Object.entries(strikes).map(([victim, count]) => `${count} × ${victim}`);
  const phases = new Table({ head: ['caught', ...PHASES, 'all'], style: { head: [], border: [] } });
  phases.push(
    ['times', ...PHASES.map(phase => caught.phases[phase]), caught.catches],
    ['calls', ...PHASES.map(phase => caught.callsInPhase[phase]), caught.calls],
  );
  const recovery = new Table({
    head: ['back after (ms)', 'p50', 'p95', 'max'],
    style: { head: [], border: [] },
  });
  for (const [victim, spread] of Object.entries(recoveryMsByVictim))
    recovery.push([victim, spread.p50, spread.p95, spread.max]);
  if (recoveryMs !== null) recovery.push(['all', recoveryMs.p50, recoveryMs.p95, recoveryMs.max]);
  const lines = [
    `Seed ${report.seed}: ${report.sessions} sessions made ${report.calls} calls in ${Math.round(report.tookMs / 1000)} s, under ${struck.join(', ')}.`,
    '',
    phases.toString(),
    '',
    recovery.toString(),
    '',
    `Unknown, as their tool host was killed under them: ${report.unknown['tool-host'] ?? 0}. ` +
      `Idempotent calls started again: ${report.startedAgain}.`,
  ];
  if (endedByThemselves.length > 0) lines.push('', 'Processes that ended by themselves:');
  lines.push(...endedByThemselves.slice(0, NAMED).map(line => `  - ${line}`));
  if (problems.length > 0) lines.push('', 'What was wrong:');
  lines.push(...problems.slice(0, NAMED).map(line => `  - ${line}`));
  if (problems.length > NAMED) lines.push(`  - and ${problems.length - NAMED} more (--json names all)`);
  lines.push('', verdictLine(report));
  return `${lines.join('\n')}\n`;
}

function verdictLine(report: ChaosReport): string {
  const { ok, runner, calls, caught, doubled, lost, stuck, wronglyUnknown } = report;
  const who = runner === 'sdk' ? ' (the SDK’s runner)' : '';
  return (
    `chaos${who}: ${ok ? 'ok' : 'failed'} (${calls} calls, ${caught.calls} caught in flight, ` +
    `${doubled} doubled, ${lost} lost, ${stuck} stuck, ${wronglyUnknown} wrongly unknown)`
  );
}
