import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeTools } from '../../src/tool-host/describe.ts';
import { close, linesOf, request, textOf, toolEnv, until, untilFile, useHosts } from './hosts.ts';

const hosts = useHosts();

interface Text {
  /** What `version` answers. */
  readonly version: string;
  /** Another tool. */
  readonly more?: string;
}

async function write({ version, more }: Text): Promise<string> {
  const toolsModule = join(hosts.stateDir, 'tools.ts');
  await writeFile(join(hosts.stateDir, 'helper.ts'), `export const version: string = '${version}';`);
  const name = (tool: string) => `name: '${tool}', input_schema: { type: 'object' as const }`;
  await writeFile(
    toolsModule,
    `import { appendFileSync, existsSync } from 'node:fs';
    import { version } from './helper.ts';
    const waits = async ({ file }: { file: string }) => {
      appendFileSync(file, 'begun\\n');
      while (!existsSync(\`\${file}.end\`)) await new Promise(resolve => setTimeout(resolve, 5));
      return version;
    };
    const close = () => appendFileSync(process.env.HOOKS_FILE ?? '', \`\${version} closed\\n\`);
    export default { tools: [
      { ${name('version')}, run: () => version, close },
      { ${name('waits')}, run: waits },
      ${more === undefined ? '' : `{ ${name(more)}, run: () => 'new' },`}
    ] };`,
  );
  return toolsModule;
}

async function describe(toolsModule: string) {
  const served = await describeTools({ toolsModule, toolEnv: toolEnv(), source: true });
  if (served.kind === 'broken') throw new Error(served.message);
  return served;
}

/** A host that serves the first version. */
async function open() {
  const hooks = join(hosts.stateDir, 'hooks');
  const toolsModule = await write({ version: 'one' });
  const served = await describe(toolsModule);
  const opened = await hosts.open({ toolsModule, served, toolEnv: toolEnv({ HOOKS_FILE: hooks }) });
  expect(opened.moduleHash).toBe(served.source?.hash);
  const client = hosts.client(opened);
  let calls = 0;
  const version = async () => textOf(await hosts.call(client, `call_${++calls}`, 'version', {}));
  return { toolsModule, served, opened, client, version, hooks };
}

test('calls that start after a reload run the new version, and running ones end on the old', async () => {
  const { toolsModule, client, version, hooks } = await open();
  const file = join(hosts.stateDir, 'waits');
  await client.startOrAttach('old', request('waits', { file }, { waitMs: 0 }));
  await untilFile(file);
  expect(await version()).toBe('one');

  await write({ version: 'two', more: 'more' });
  const second = await describe(toolsModule);
  const answer = await client.reload({ toolsModule, ...second });
  expect(answer).toMatchObject({ kind: 'reloaded', moduleHash: second.source?.hash, tools: second.tools });
  expect(await client.health({ timeoutMs: 5_000 })).toMatchObject({ moduleHash: second.source?.hash });

  expect(await version()).toBe('two');
  expect(textOf(await hosts.call(client, 'new', 'more', {}))).toBe('new');
  expect(await linesOf(hooks)).toEqual([]);
  await writeFile(`${file}.end`, '');
  expect(textOf(await hosts.call(client, 'old', 'waits', {}))).toBe('one');
  // What it held open is closed when its last call has ended.
  await until(
    'the old version is closed',
    async () => (await linesOf(hooks)).includes('one closed') || undefined,
  );
});

test('a host that ends while an earlier version has a call closes both versions, each once', async () => {
  const { toolsModule, client, opened, version, hooks } = await open();
  const file = join(hosts.stateDir, 'waits');
  await client.startOrAttach('old', request('waits', { file }, { waitMs: 0 }));
  await untilFile(file);
  await write({ version: 'two' });
  await client.reload({ toolsModule, ...(await describe(toolsModule)) });
  expect(await version()).toBe('two');
  expect(await close(opened, hosts)).toMatchObject({
    kind: 'closed',
    stoppedCalls: ['old'],
    hookFailures: [],
  });
  expect((await linesOf(hooks)).sort()).toEqual(['one closed', 'two closed']);
});

test('a version that cannot be used changes nothing', async () => {
  const { toolsModule, client, version, served } = await open();
  expect(await version()).toBe('one');
  const url = Object.keys(served.source?.files ?? {}).find(file => file.endsWith('tools.ts')) ?? '';
  const files = { ...served.source?.files, [url]: { format: 'module', source: 'export default {;' } };
  const answer = await client.reload({ toolsModule, source: { hash: 'x', files } });
  expect(answer).toMatchObject({ kind: 'broken', message: expect.stringContaining('failed to load') });
  expect(await version()).toBe('one');
  expect(await client.health({ timeoutMs: 5_000 })).toMatchObject({ moduleHash: served.source?.hash });
});

test('while the files on disk are broken or gone, new threads and new hosts run the version that was right', async () => {
  const { toolsModule, client, version, served } = await open();
  await writeFile(toolsModule, 'export default {;');
  await writeFile(join(hosts.stateDir, 'helper.ts'), '');
  const file = join(hosts.stateDir, 'waits');
  // One call a thread: the second one needs a new thread.
  await client.startOrAttach('busy', request('waits', { file }, { waitMs: 0 }));
  await untilFile(file);
  expect(await version()).toBe('one');
  const other = await hosts.open({ sessionId: 'other', toolsModule, served });
  expect(textOf(await hosts.call(hosts.client(other), 'call_1', 'version', {}))).toBe('one');
  await writeFile(`${file}.end`, '');
});

test('a tool that the new version lacks is refused, not run', async () => {
  const { toolsModule, client } = await open();
  await writeFile(toolsModule, "export default { tools: [{ name: 'other', run: () => 'x' }] };");
  await client.reload({ toolsModule, ...(await describe(toolsModule)) });
  expect(await client.startOrAttach('call_1', request('version', {}))).toMatchObject({ kind: 'refused' });
});
