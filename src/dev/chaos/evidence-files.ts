/** What is left in the run's folder for whoever looks into it, beside logs, journals and Temporal's database. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gathered } from './evidence.ts';
import { recoveriesOf } from './recovery.ts';
import type { ChaosReport } from './report.ts';
import type { Struck } from './striker.ts';

/** Recoveries that are named, slowest first. */
const SLOWEST = 30;

/** Writes `report.json`, `strikes.json` (with every call that was caught), `calls.json` and `slowest.json`. */
export async function writeEvidence(
  folder: string,
  report: ChaosReport,
  strikes: readonly Struck[],
  { calls, progress }: Gathered,
): Promise<void> {
  const write = (name: string, value: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
  const slowest = recoveriesOf(strikes, progress)
    .sort((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST)
    .map(({ strike, sessionId, ms }) => ({
      strike: strikes.indexOf(strike) + 1,
      victim: strike.victim,
      act: strike.act,
      at: new Date(strike.at).toISOString(),
      sessionId,
      ms,
      calls: strike.caught.filter(call => call.sessionId === sessionId),
    }));
  await write('report.json', report);
  await write('strikes.json', strikes);
  await write('calls.json', calls);
  await write('slowest.json', slowest);
}
