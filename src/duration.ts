/** Durations as people write them: `500ms`, `60s`, `5m`, `2h`, `14d`, and a bare `0`. */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * @param name what the value belongs to, for the error.
 * @returns milliseconds.
 * @throws RangeError naming the value and the form.
 */
export function milliseconds(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) {
    if (text.trim() === '0') return 0;
    throw new RangeError(`${name} is not a duration: ${text} (write 500ms, 60s, 5m, 2h or 14d)`);
  }
  const [, amount = '', unit = 's'] = match;
  return Math.round(Number(amount) * UNITS[unit as keyof typeof UNITS]);
}
