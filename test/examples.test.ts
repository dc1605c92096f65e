/** What the examples promise by their text. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const lines = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../examples/${name}`, import.meta.url)), 'utf8').split('\n');

/** How many lines `diff` would show: those that are not in a longest common subsequence. */
function changed(a: readonly string[], b: readonly string[]): number {
  const common = a.map(() => b.map(() => 0));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row !== undefined)
        row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  return a.length + b.length - 2 * at(0, 0);
}

it('the SDK’s tool runner becomes durable by ten lines at most, out and in', () => {
  const [sdk, durable] = [lines('tool-runner-sdk.ts'), lines('tool-runner-durable.ts')];
  expect(sdk.some(line => line.includes('client.beta.sessions.events.toolRunner('))).toBe(true);
  expect(durable.some(line => line.includes('durableToolRunner('))).toBe(true);
  expect(changed(sdk, durable)).toBeGreaterThan(0);
  expect(changed(sdk, durable)).toBeLessThanOrEqual(10);
});
