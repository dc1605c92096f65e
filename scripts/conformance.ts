/** Writes docs/conformance.md from the tests: `node scripts/conformance.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, DIFFERENT, NOT_APPLICABLE, NOT_YET } from '../test/conformance/catalogue.ts';
import { type NamedTest, namedTests } from '../test/conformance/named.ts';

export const FILE = fileURLToPath(new URL('../docs/conformance.md', import.meta.url));

const PARTS: readonly (readonly [title: string, from: number, to: number])[] = [
  ['Session runner', 1, 71],
  ['Environment worker', 72, 120],
  ['Work poller', 121, 146],
  ['What only the Go runner asserts', 147, 153],
  ['What no suite asserts', 154, 160],
];

/** Neither tested nor explained. @returns their keys; there must be none. */
export function unexplained(tests: readonly NamedTest[]): string[] {
  const tested = new Set(tests.flatMap(({ keys }) => keys));
  return Object.keys(CATALOGUE).filter(
    key => !tested.has(key) && NOT_APPLICABLE[key] === undefined && !NOT_YET.has(key),
  );
}

/** Tested, although said to be not: the set must shrink with the tests. */
export function overdue(tests: readonly NamedTest[]): string[] {
  return [...new Set(tests.flatMap(({ keys }) => keys))].filter(key => NOT_YET.has(key));
}

/** Numbers that tests name and that nothing has. */
export function unknown(tests: readonly NamedTest[]): string[] {
  return [...new Set(tests.flatMap(({ keys }) => keys))].filter(key => CATALOGUE[key] === undefined);
}

export function conformance(tests: readonly NamedTest[] = namedTests()): string {
  const rows = PARTS.flatMap(([title, from, to]) => [
    `## ${title}`,
    '',
    '| row | what is asserted | here | tests |',
    '|---|---|---|---|',
    ...Array.from({ length: to - from + 1 }, (_, i) => line(String(from + i), tests)),
    '',
  ]);
  const weaknesses = Object.keys(CATALOGUE).filter(key => key.startsWith('W-'));
  return [
    '# Conformance',
    '',
    'What the SDK’s session runner and environment worker are asserted to do (by their own test suites, or by their',
    'source), row by row, and the tests here that assert the same. Written by `node scripts/conformance.ts` from the',
    'names of the tests; the suite fails where it is not up to date.',
    '',
    'What can be seen from outside is asserted of the SDK’s own runner too, before the same emulated API',
    '(`conformance/sdk-runner.test.ts`): what it fails are the weaknesses below, and nothing else.',
    '',
    ...rows,
    '## Weaknesses of the SDK’s runner and worker that must not happen here',
    '',
    '| | weakness | here | tests |',
    '|---|---|---|---|',
    ...weaknesses.map(key => line(key, tests)),
    '',
  ].join('\n');
}

function line(key: string, tests: readonly NamedTest[]): string {
  const named = tests.filter(({ keys }) => keys.includes(key));
  const list = named.map(({ name, file }) => `${cell(title(name))} (\`${file}\`)`).join('<br>');
  return `| ${key} | ${cell(CATALOGUE[key] ?? '')} | ${cell(verdict(key))} | ${list || '–'} |`;
}

function verdict(key: string): string {
  const none = NOT_APPLICABLE[key];
  if (none !== undefined) return `not applicable: ${none}`;
  const why = DIFFERENT[key];
  if (why !== undefined) return `different on purpose: ${why}`;
  if (NOT_YET.has(key)) return 'not yet';
  return key.startsWith('W-') ? 'does not happen' : 'same';
}

/** Without the numbers, which stand in the first column. */
function title(name: string): string {
  const bare = name.replace(/\b(?:rows? \d+(?:(?:, | and | to )\d+)*|W-\d+(?:(?:, | and )W-\d+)*): ?/g, '');
  return bare.trim();
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, conformance());
