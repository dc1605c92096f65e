/** `holdfast doctor`: what is wrong with a set-up, and what mends it. */
import { Command } from 'commander';
import { environment } from '../config.ts';
import { examine } from '../doctor/doctor.ts';
import type { Finding } from '../doctor/finding.ts';
import { mark } from './table.ts';

const HELP = `
Looks at the settings, Temporal, the API, this machine, the state folder and your tools. It needs no worker and
changes nothing; how fast Temporal hands out tasks is measured with a workflow that is deleted again.

Exit codes: 0 nothing is broken (! is worth a look), 1 something is.

Examples:
  holdfast doctor
  holdfast doctor --json | jq '.checks[] | select(.state == "broken")'
`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look at everything a worker needs, and say what is wrong and what mends it')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', HELP)
    .action(doctor);
}

async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const checks = await examine(environment());
  const count = (state: Finding['state']) => checks.filter(check => check.state === state).length;
  const broken = count('broken');
  if (broken > 0) process.exitCode = 1;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: broken === 0, checks })}\n`);
    return;
  }
  const width = Math.max(...checks.map(({ check }) => check.length));
  for (const finding of checks) process.stdout.write(`${lineOf(finding, width)}\n`);
  const warnings = count('warning');
  const look = warnings === 0 ? '' : `${warnings} worth a look`;
  const verdict = broken === 0 ? `ok${look && `, ${look}`}` : `${broken} broken${look && `, ${look}`}`;
  process.stdout.write(`doctor: ${verdict}\n`);
}

function lineOf({ check, state, found, mend }: Finding, width: number): string {
  return `${mark(state)} ${check.padEnd(width)}  ${found}${mend === undefined ? '' : `: ${mend}`}`;
}
