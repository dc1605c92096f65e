/** `up` in the folder of somebody's tools: TypeScript, Python and MCP are served, and edits take effect at once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { world } from './support/world.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/own-tools/', import.meta.url));

it('serves the examples from the .env, and loads an edit for running sessions while a broken one changes nothing', async context => {
  const w = await world(context, { env: { HOLDFAST_TOOLS: undefined } });
  const write = (file: string, text: string) => writeFileSync(join(w.folder, file), text);
  const serve = (...tools: string[]) =>
    write(
      'tools.ts',
      `import own from '${pathToFileURL(EXAMPLES)}tools.ts';
      import { version } from './version.ts';
      const tool = (name: string) => ({ name, input_schema: { type: 'object' }, run: () => version });
      export default { tools: [...own.tools, ${tools.map(name => `tool('${name}')`).join(', ')}] };`,
    );
  write('version.ts', "export const version: string = 'one';");
  serve('version');
  write('.env', 'HOLDFAST_TOOLS=./tools.ts\nTEMPORAL_ADDRESS=127.0.0.1:1\n');
  const up = await w.run(['up']).says('worker ready');

  const steps = JSON.parse(readFileSync(join(EXAMPLES, 'session.json'), 'utf8'));
  const example = w.session(steps);
  let edited = (): void => {};
  const edit = new Promise<void>(resolve => {
    edited = resolve;
  });
  const session = w.session(async agent => {
    await agent.call('version');
    await edit;
    // Nobody served `fresh` when the run and its tool host began.
    await agent.calls([{ name: 'version' }, { name: 'fresh' }]);
  });
  const played = w.start(example.id, '--max-idle', '500ms');
  const run = await w.begin(session.id);
  await eventually('the first call is answered', () => answersOf(session)[0]?.closedBy != null);

  write('version.ts', "export const version: string = 'two';");
  serve('version', 'fresh');
  await up.says(/the tools module was loaded anew: new: fresh\n/);
  serve('version', 'fresh', "'");
  write('version.ts', "export const version = 'three';");
  await up.says(/the tools module .*tools\.ts failed to load: .*; the tools of before stay\n/);
  edited();
  expect((await run.result()).state).toBe('done');
  expect(answersOf(session).map(({ text, posts }) => [text, posts])).toEqual([
    ['one', 1],
    ['two', 1],
    ['two', 1],
  ]);

  // A session that begins now needs a tool host: it too runs what was right.
  const later = w.session(agent => agent.call('version'));
  await (await w.begin(later.id)).result();
  expect(answersOf(later).map(({ text }) => text)).toEqual(['two']);

  const { code, line } = await played;
  expect([code, line?.state]).toEqual([0, 'done']);
  expect(example.info().script).toBe('done');
  expect(answersOf(example).map(({ isError }) => isError)).toEqual([false, false, false, true, false, false]);
});
