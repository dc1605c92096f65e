/** What a report can tell of a call that did not end by itself (`Evidence` in session/outcome.ts). */
import { printable } from '../printable.ts';

const INPUT_LENGTH = 200;
const LINES = 20;
const LINE_LENGTH = 400;

/** How much of the end of an output holds all that `lastLines` may take of it. */
export const EVIDENCE_BYTES = 32 * 1024;

/** The input on one line: bash's command as it is, any other input as JSON. */
export function oneLineInput(name: string, input: unknown): string {
  const command = name === 'bash' && isRecord(input) ? input.command : undefined;
  const text = typeof command === 'string' ? command : (JSON.stringify(input) ?? '');
  return cut(text.replace(/\s+/g, ' ').trim(), INPUT_LENGTH);
}

/** The last lines of an output, bare of colours and control characters. */
export function lastLines(output: string): string[] {
  const lines = printable(output)
    .split('\n')
    .map(line => line.replaceAll('\t', ' ').trimEnd());
  return lines
    .filter(line => line !== '')
    .slice(-LINES)
    .map(line => cut(line, LINE_LENGTH));
}

function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
