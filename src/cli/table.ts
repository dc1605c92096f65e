/** Tables for people; colour only on a terminal. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { oneLine } from '../session/summary.ts';
import type { CallRecord } from '../workflows/messages.ts';

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns without borders, so that a line can be cut and searched. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: PLAIN,
    style: { head: process.stdout.isTTY ? ['gray'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) made.push([...row]);
  return made
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}

export function callTable(calls: readonly (CallRecord & { summary?: string; why?: string })[]): string {
  const head = ['CALL', 'STATE', 'RESULT', 'TOOK', 'RUNS', 'ID'];
  return table(
    head,
    calls.map(call => [
      oneLine(call.summary ?? call.name),
      colour(call.state),
      oneLine(call.why ?? (call.posted ? 'posted' : 'not posted')),
      took(call),
      String(call.attempts),
      oneLine(call.id),
    ]),
  );
}

function took({ startedAt, finishedAt }: CallRecord): string {
  if (startedAt === null || finishedAt === null) return '–';
  const ms = Date.parse(finishedAt) - Date.parse(startedAt);
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Green for done, yellow for what waits, red never: no state is an error by itself. */
export function colour(state: string): string {
  if (!process.stdout.isTTY) return state;
  const style = state === 'settled' || state === 'done' ? 'green' : 'yellow';
  return styleText(style, state);
}

const MARKS = {
  ok: ['✓', 'green'],
  broken: ['✗', 'red'],
  warning: ['!', 'yellow'],
  skipped: ['–', 'gray'],
} as const;

/** Before a line that says how something is. */
export function mark(kind: keyof typeof MARKS): string {
  const [sign, style] = MARKS[kind];
  return process.stdout.isTTY ? styleText(style, sign) : sign;
}
