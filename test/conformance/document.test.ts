/** docs/conformance.md tells row by row which test asserts it; here it is held to that. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conformance, FILE, overdue, unexplained, unknown } from '../../scripts/conformance.ts';
import { CATALOGUE, DIFFERENT, NOT_APPLICABLE, NOT_YET } from './catalogue.ts';
import { namedTests, testsIn } from './named.ts';

const tests = namedTests();

describe('every behaviour of the catalogue', () => {
  it('has a test named by its number, or a reason why not', () => {
    expect(unexplained(tests)).toEqual([]);
  });

  it('that is said to have no test yet has none: its number goes when its test comes', () => {
    expect(overdue(tests)).toEqual([]);
  });

  it('that a test names exists', () => {
    expect(unknown(tests)).toEqual([]);
  });

  it('that is different on purpose is tested all the same, and only Python’s own forms are not', () => {
    expect(Object.keys(DIFFERENT).filter(key => NOT_YET.has(key) || NOT_APPLICABLE[key])).toEqual([]);
    expect(Object.keys(NOT_APPLICABLE).map(Number)).toEqual([12, 13, 63, 64, 69, 71, 103]);
    for (const key of [...NOT_YET, ...Object.keys(NOT_APPLICABLE), ...Object.keys(DIFFERENT)])
      expect(CATALOGUE[key], key).toBeDefined();
  });

  it('stands in docs/conformance.md as it is: `node scripts/conformance.ts` writes it anew', () => {
    expect(readFileSync(FILE, 'utf8')).toBe(conformance(tests));
  });
});

describe('a number counts where it names a test or a group of tests that runs, and nowhere else', () => {
  // Put together from halves, lest this very file name the rows.
  const [one, many, w] = ['ro' + 'w', 'ro' + 'ws', 'W' + '-'];
  it.each<[string, string[]]>([
    [`it('${one} 101: ends', () => {})`, ['101']],
    [`test(\n  "${one} 102: ends", () => {})`, ['102']],
    [`it.each(['a', f('b')])('${many} 103, 104: %s', () => {})`, ['103', '104']],
    [`])('${one} 105: %s', () => {})`, ['105']],
    [`describe('${many} 105 to 107: ends', () => {})`, ['105', '106', '107']],
    [`it('${one} 40: ${w}5, ${w}6: ends', () => {})`, ['40', `${w}5`, `${w}6`]],
    [`it('the end (${w}5)', () => {})`, []],
    [`describe('what ends (${many} 105 to 107)', () => {})`, []],
    [`it.skip('${one} 108: ends', () => {})`, []],
    [`it.todo('${one} 108: ends')`, []],
    [`// it('${one} 108: ends')`, []],
    [`expect(text).toBe('${one} 108: ends')`, []],
  ])('%s', (source, keys) => {
    expect(testsIn(source).flatMap(found => found.keys)).toEqual(keys);
  });
});
