/** What the terminal at hand can show. */
import { styleText } from 'node:util';
import { environment } from '../config.ts';
import type { Look, Style } from './bars.ts';

/** Of a pipe, and of a terminal that does not say. */
const WIDTH = 100;

/** Colours only on a terminal that wants them (`NO_COLOR`); ASCII where the locale has no UTF-8. */
export function look(): Look {
  return {
    width: process.stdout.columns || WIDTH,
    unicode: isUtf8(environment()),
    paint,
  };
}

/** Never in a pipe, whatever `FORCE_COLOR` says: what reads it wants text. */
export function paint(style: Style, text: string): string {
  return process.stdout.isTTY ? styleText(style, text, { stream: process.stdout }) : text;
}

/** As the C library chooses the character set. */
export function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}
