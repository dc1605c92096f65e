/** Text that somebody else wrote, made fit to be shown: on a terminal, in a page, in a report. */
import { stripVTControlCharacters } from 'node:util';

/** Control characters but tabs and line feeds; what turns the direction of text, or separates lines unseen. */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Without escape sequences and control characters: nothing of it can colour, move or retitle a terminal. A carriage
 * return begins a line, as what it would overwrite must stay to be read.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\r\n?/g, '\n').replace(UNPRINTABLE, '').toWellFormed();
}
