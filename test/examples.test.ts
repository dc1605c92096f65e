/** What the examples promise by their text. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadScriptFile } from '../src/emulator/script-file.ts';
import { emulatorFor } from './emulator/support.ts';

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

it.each([
  ['allow', 'It is released.'],
  ['deny', 'Then not.'],
] as const)(
  'approval.json: its call waits for a verdict, and to %s it answers "%s"',
  async (result, answer) => {
    const { scripts } = await loadScriptFile(
      fileURLToPath(new URL('../examples/approval.json', import.meta.url)),
    );
    const emulator = await emulatorFor({ script: scripts.default ?? [] });
    const session = emulator.createSession();
    session.start();
    await session.wait('requires_action');
    const [call] = session.info().open_calls;
    expect(session.events('agent.tool_use')).toMatchObject([{ evaluated_permission: 'ask' }]);
    session.send({ type: 'user.tool_confirmation', tool_use_id: call, result });
    if (result === 'allow')
      session.send({
        type: 'user.tool_result',
        tool_use_id: call,
        content: [{ type: 'text', text: 'done' }],
      });
    await session.wait('script_done');
    expect(JSON.stringify(session.events('agent.message').at(-1))).toContain(answer);
  },
);
