/** Issue 3, part 7: what the SDK's own suite asserts of a session runner is asserted here, by the same numbers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const TESTS = import.meta.dirname;

/** Rows of the table of behaviours (§2.1) that this version covers. */
const ROWS = [...range(1, 11), 14, 18, 21, ...range(28, 40), 61, 62, ...range(65, 68), 70];

it('each row of the behaviours that this version covers has a test named by its number', () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.test.ts'),
  );
  const named = new Set(files.flatMap(name => rowsNamedIn(readFileSync(join(TESTS, name), 'utf8'))));
  expect(ROWS.filter(row => !named.has(row))).toEqual([]);
});

it('a number counts where it names a test or a group of tests that runs, and nowhere else', () => {
  // Put together from halves, lest this very file name the rows.
  const [one, many] = ['ro' + 'w', 'ro' + 'ws'];
  expect(rowsNamedIn(`it('${one} 101: ends', () => {})`)).toEqual([101]);
  expect(rowsNamedIn(`test(\n  "${one} 102: ends", () => {})`)).toEqual([102]);
  expect(rowsNamedIn(`it.each(['a', f('b')])('${many} 103, 104: %s', () => {})`)).toEqual([103, 104]);
  expect(rowsNamedIn(`describe('what ends (${many} 105 to 107)', () => {})`)).toEqual([]);
  expect(rowsNamedIn(`describe('${many} 105 to 107: ends', () => {})`)).toEqual([105, 106, 107]);
  expect(rowsNamedIn(`it.skip('${one} 108: ends', () => {})`)).toEqual([]);
  expect(rowsNamedIn(`it.todo('${one} 108: ends')`)).toEqual([]);
  expect(rowsNamedIn(`// it('${one} 108: ends')`)).toEqual([]);
  expect(rowsNamedIn(`expect(text).toBe('${one} 108: ends')`)).toEqual([]);
});

/** The rows in names such as `row 8: …`, `rows 35, 36: …` and `rows 41 to 44: …`. */
function rowsNamedIn(source: string): number[] {
  const names =
    /^[ \t]*(?:\]\)|(?:it|test|describe)\b(?<modifiers>[^'"`\n]*|\.each\(.*\)))\(\s*['"`][^\n]*?\brows? (?<rows>\d+(?:(?:, | and | to )\d+)*):/gm;
  return [...source.matchAll(names)].flatMap(({ groups }) =>
    /\.(?:skip|todo)\b/.test(groups?.modifiers ?? '') ? [] : numbers(groups?.rows ?? ''),
  );
}

function numbers(rows: string): number[] {
  return rows.split(/, | and /).flatMap(part => {
    const [from = 0, to = from] = part.split(' to ').map(Number);
    return range(from, to);
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
