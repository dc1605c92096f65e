/** Texts of others as they may be shown, and times as people say them. */
import { stripVTControlCharacters } from 'node:util';

/**
 * Several lines of somebody else's text: colours gone, and every control and bidirectional character written out, so
 * that nothing shown reads otherwise than it is.
 */
export function plainText(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, char => (char === '\n' || char === '\t' ? char : escaped(char)))
    .toWellFormed();
}

function escaped(char: string): string {
  const point = (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
  return point.length > 4 ? `\\u{${point}}` : `\\u${point}`;
}

/** `12:04:31`, with the date where it is another day than today (UTC, as all of Holdfast's times are). */
export function clockWords(iso: string, now: number): string {
  const today = new Date(now).toISOString().slice(0, 10);
  const time = iso.slice(11, 19);
  return iso.startsWith(today) ? time : `${iso.slice(0, 10)} ${time}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}
