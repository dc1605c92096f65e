import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const document = readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8');
const tests = [...new Set(document.match(/test\/[\w/-]+\.test\.ts/g))];

it.each(tests)('docs/security.md names %s, which is there', path => {
  expect(existsSync(new URL(`../${path}`, import.meta.url))).toBe(true);
});
