/** Which tests name which behaviours: `row 8: …`, `rows 35, 36: …`, `rows 41 to 44: …`, `W-8: …`, `W-5, W-6: …`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = join(import.meta.dirname, '..');

export interface NamedTest {
  /** As it is written: `%s` stands for what a table of cases puts there. */
  readonly name: string;
  /** Relative to the folder of the tests. */
  readonly file: string;
  /** `8`, `41` … of the rows, `W-8` … of the weaknesses. */
  readonly keys: readonly string[];
}

/** All tests that name a behaviour, by file and place. */
export function namedTests(): NamedTest[] {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' });
  return files
    .filter(file => file.endsWith('.test.ts'))
    .sort()
    .flatMap(file => testsIn(readFileSync(join(TESTS, file), 'utf8'), file));
}

/** What runs and names a behaviour; a skipped test, a comment and a text in a test's body name none. */
export function testsIn(source: string, file = ''): NamedTest[] {
  const begins =
    /^[ \t]*(?:\]\)|(?:it|test|describe)\b(?<modifiers>[^'"`\n]*|\.each\(.*\)))\(\s*(?<quote>['"`])(?<name>[^\n]*?)(?<!\\)\k<quote>/gm;
  return [...source.matchAll(begins)].flatMap(({ groups: { modifiers = '', name = '' } = {} }) => {
    const keys = keysIn(name);
    return keys.length === 0 || /\.(?:skip|todo)\b/.test(modifiers) ? [] : [{ name, file, keys }];
  });
}

function keysIn(name: string): string[] {
  const rows = [...name.matchAll(/\brows? (\d+(?:(?:, | and | to )\d+)*):/g)].flatMap(([, text = '']) =>
    text.split(/, | and /).flatMap(part => {
      const [from = 0, to = from] = part.split(' to ').map(Number);
      return range(from, to).map(String);
    }),
  );
  const weaknesses = [...name.matchAll(/\b(W-\d+(?:(?:, | and )W-\d+)*):/g)].flatMap(([, text = '']) =>
    text.split(/, | and /),
  );
  return [...rows, ...weaknesses];
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
