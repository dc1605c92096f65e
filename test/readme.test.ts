import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}/README.md`, 'utf8');
const settings = readFileSync(`${root}/docs/configuration.md`, 'utf8');

describe('the README', () => {
  it('has at most 150 lines, so that a newcomer reads it', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(151);
  });

  it('shows a tools module that is the file a reader finds and that loads', () => {
    const shown = /<!-- (examples\/\S+) -->\n```ts\n([\s\S]*?)```/.exec(readme);
    expect(shown?.[2]).toBe(readFileSync(`${root}/${shown?.[1]}`, 'utf8'));
  });

  it('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(match => match[1] ?? '');
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter(link => !existsSync(`${root}/${link}`))).toEqual([]);
  });

  it('and the settings name every HOLDFAST variable that the configuration reads, and no other', () => {
    const read = new Set<string>();
    const env = new Proxy({} as Record<string, string | undefined>, {
      get(_, name) {
        if (typeof name === 'string' && name.startsWith('HOLDFAST_')) read.add(name);
        return undefined;
      },
      ownKeys: () => [],
    });
    readConfig(env);
    const named = new Set(settings.match(/HOLDFAST_[A-Z_]+/g));
    // For tests of crashes (docs/reliability.md).
    read.delete('HOLDFAST_FAILPOINTS');
    expect([...named].sort()).toEqual([...read].sort());
    expect([...new Set(readme.match(/HOLDFAST_[A-Z_]+/g))].filter(name => !named.has(name))).toEqual([]);
  });
});
