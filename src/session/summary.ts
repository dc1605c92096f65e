/** A call as one line for people: the Temporal UI, tables, reports. */

const LIMIT = 120;

/** The fields that tell most about a call, by preference. */
const TELLING = ['command', 'file_path', 'pattern', 'path', 'query', 'url', 'name', 'id'];

/** `bash: npm test`, `read: src/a.ts`, `get_weather: {"city":"Bern"}`; at most 120 characters, no line break. */
export function summaryOf(name: string, input: unknown): string {
  return cut(`${oneLine(name)}: ${inputLine(input)}`.replace(/: $/, ''), LIMIT);
}

/** The input as one line, at most `limit` characters. */
export function inputLine(input: unknown, limit = 200): string {
  if (typeof input === 'object' && input !== null) {
    for (const field of TELLING) {
      const value = Object.hasOwn(input, field) ? (input as Record<string, unknown>)[field] : undefined;
      if (typeof value === 'string' && value !== '') return cut(oneLine(value), limit);
    }
    if (Object.keys(input).length === 0) return '';
  }
  return cut(oneLine(JSON.stringify(input) ?? ''), limit);
}

/** Without control and bidirectional characters, which could forge a line in a log or a table. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

function cut(text: string, limit: number): string {
  // One point more than fits, also where each takes two units.
  const points = [...text.slice(0, limit * 2 + 2)];
  return points.length > limit ? `${points.slice(0, limit - 1).join('')}…` : text.toWellFormed();
}
