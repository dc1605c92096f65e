/** How many columns of a terminal a text takes. */

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
const NONE = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Without escape sequences. */
export function textWidth(text: string): number {
  return [...text].reduce((sum, point) => sum + pointWidth(point), 0);
}

/** Exactly so many columns: cut with an ellipsis, or filled with spaces. */
export function fitted(text: string, columns: number, ellipsis = '…'): string {
  const width = textWidth(text);
  if (width <= columns) return text + ' '.repeat(columns - width);
  let cut = '';
  let used = 0;
  for (const point of text) {
    if (used + pointWidth(point) > columns - ellipsis.length) break;
    cut += point;
    used += pointWidth(point);
  }
  return cut + ellipsis + ' '.repeat(Math.max(0, columns - used - ellipsis.length));
}

function pointWidth(point: string): number {
  if (WIDE.test(point)) return 2;
  return NONE.test(point) ? 0 : 1;
}
