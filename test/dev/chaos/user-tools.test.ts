import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createRandom } from '../../../src/dev/chaos/random.ts';
import { sampleOf } from '../../../src/dev/chaos/sample-input.ts';
import { loadUserTools } from '../../../src/dev/chaos/user-tools.ts';
import { checkSchema } from '../../../src/tool-host/input-check.ts';

const TOOL = `const tool = (name, properties = {}, more = {}) => ({ name, description: '', run: () => 'ok',
  input_schema: { type: 'object', properties, required: Object.keys(properties), ...more } });`;

async function load(source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'hf-user-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tools.mjs');
  await writeFile(file, `${TOOL}\n${source}`);
  return loadUserTools(file);
}

async function message(source: string): Promise<string> {
  const loaded = await load(source);
  return loaded.kind === 'unusable' ? loaded.message : 'usable';
}

test('agents call every tool of the module, with the inputs that it gives', async () => {
  const loaded = await load(`
    export const chaos = { pay: [{ cents: 7 }, { cents: 8 }] };
    export default { tools: [tool('pay', { cents: { type: 'integer' } }), { tool: tool('ask'), idempotent: true }] };`);
  if (loaded.kind !== 'usable') throw new Error(loaded.message);
  const mix = loaded.mix('s1', createRandom(1, 's1'));
  const calls = Array.from({ length: 20 }, () => mix.round()).flat();
  const payments = calls.filter(({ name }) => name === 'pay');
  expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(['pay', 'ask']));
  expect(new Set(payments.map(({ input }) => JSON.stringify(input)))).toEqual(
    new Set(['{"cents":7}', '{"cents":8}']),
  );
  expect(payments[0]?.effect).toEqual({ kind: 'starts', isRepeatable: false });
  expect(calls.find(({ name }) => name === 'ask')?.effect).toEqual({ kind: 'starts', isRepeatable: true });
  expect(new Set(calls.map(({ label }) => label)).size).toBe(calls.length);
});

test('inputs that a tool would refuse are told before anything runs', async () => {
  const pay = `export default { tools: [tool('pay', { cents: { type: 'integer' } })] };`;
  expect(await message(`export const chaos = { pay: [{ cents: 'x' }] };${pay}`)).toContain(
    'chaos.pay: Error: invalid input for pay: cents: must be integer',
  );
  expect(await message(`export const chaos = { refund: [{}] };${pay}`)).toContain(
    'names "refund", which is no tool',
  );
  expect(await message(`export const chaos = { pay: {} };${pay}`)).toContain(
    'has no list of inputs for "pay"',
  );
});

test('a schema for which no input can be made up asks for inputs', async () => {
  const source = `export default { tools: [tool('send', { code: { type: 'string', pattern: '^Q-[0-9]{9}$' } })] };`;
  expect(await message(source)).toMatch(
    /no input could be made up for send .*export const chaos = \{ send: \[/,
  );
});

test('a module without tools is told as the worker tells it', async () => {
  expect(await message('export default {};')).toContain('write `export default { tools: [ … ] }`');
});

const SCHEMAS: readonly object[] = [
  { type: 'string', minLength: 30 },
  { type: 'string', maxLength: 2 },
  { type: 'integer', minimum: 5, maximum: 6 },
  { type: 'integer', exclusiveMinimum: 0 },
  { type: 'number', minimum: -3, exclusiveMaximum: -2 },
  { type: 'integer', multipleOf: 25, minimum: 30 },
  { enum: ['a', 'b'] },
  { const: 4 },
  { type: ['string', 'null'] },
  { type: 'boolean' },
  { type: 'array', minItems: 3, items: { type: 'integer' } },
  { anyOf: [{ type: 'null' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }] },
  {
    type: 'object',
    properties: { to: { type: 'object', properties: { zip: { type: 'integer' } }, required: ['zip'] } },
    required: ['to'],
    additionalProperties: false,
  },
];

test.each(SCHEMAS.map(schema => [JSON.stringify(schema), schema] as const))(
  'a made-up value fits %s',
  async (_, schema) => {
    const random = createRandom(2, 'samples');
    for (let i = 0; i < 50; i++) {
      const value = sampleOf(schema, random);
      expect((await checkSchema('it', schema, value)).kind, JSON.stringify(value)).toBe('valid');
    }
  },
);
