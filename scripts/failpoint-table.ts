/** Writes the table of failpoints into docs/reliability.md: `node scripts/failpoint-table.ts`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FAILPOINT_NAMES, FAILPOINTS, type Failpoint } from '../src/failpoints.ts';
import { CRASH_CASES, type Outcome, TWICE, type Victim } from '../test/e2e/support/crash-cases.ts';
import { marksOf, withSection } from './marked-section.ts';

export const FILE = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

const WORDS: Readonly<Record<Outcome, string>> = {
  done: 'ran once, posted once',
  unknown: 'reported once as unknown',
  stopped: 'stopped, reported once',
};

export function failpointTable(): string {
  const rows = FAILPOINT_NAMES.map(name => {
    const { where, durable, pending } = FAILPOINTS[name];
    return `| \`${name}\` | ${where} | ${durable} | ${pending} | ${cell(name, 'worker')} | ${cell(name, 'tool host')} |`;
  });
  return [
    '| failpoint | process | durable | not yet | worker killed | tool host killed |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** The document with today's table between its marks; the marks go to its end where it has none. */
export function withTable(text: string): string {
  const table = `\n${failpointTable()}\n`;
  const next = withSection(text, 'failpoints', table);
  return next ?? `${text.trimEnd()}\n\n${marksOf('failpoints').join(table)}\n`;
}

function cell(name: Failpoint, victim: Victim): string {
  const outcome = CRASH_CASES[name].victims[victim];
  if (outcome === undefined) return '–';
  return WORDS[outcome] + (TWICE[victim].includes(name) ? ' ²' : '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FILE, withTable(existsSync(FILE) ? readFileSync(FILE, 'utf8') : '# Reliability\n'));
}
