/** Tables for people; colour only on a terminal. */
import Table from 'cli-table3';
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';
import type { CallRecord } from '../workflows/messages.ts';
import { paint } from './terminal.ts';

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
    head: head.map(text => paint('gray', text)),
    chars: PLAIN,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
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
  return lasted(Date.parse(finishedAt) - Date.parse(startedAt));
}

/** Green for done, yellow for what waits, red for what somebody must look at. */
export function colour(state: string): string {
  if (state === 'stuck' || state === 'failed') return paint('red', state);
  return paint(['settled', 'done', 'completed'].includes(state) ? 'green' : 'yellow', state);
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
  return paint(style, sign);
}
