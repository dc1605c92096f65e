/** The package as it is installed: built, without sources, imported by its name. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

let folder = '';

/** What `npm install` of our package makes, its dependencies linked. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hfp-'));
  const modules = join(folder, 'node_modules');
  const ours = join(modules, 'holdfast');
  mkdirSync(ours, { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  cpSync(join(ROOT, 'package.json'), join(ours, 'package.json'));
  await run(process.execPath, [TSC, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(ours, 'dist')]);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('an installed package', () => {
  it('brings a backend no worker: neither its native part nor the API’s SDK, emulator or server', async () => {
    const path = file(
      'loads.js',
      `import { createRequire } from 'node:module';
       import * as client from 'holdfast/client';
       const commonjs = Object.keys(createRequire(import.meta.url).cache);
       console.log(JSON.stringify({ names: Object.keys(client), loaded: [...commonjs, ...globalThis.esm] }));`,
    );
    const hook = file(
      'hook.js',
      `import { registerHooks } from 'node:module';
       globalThis.esm = [];
       registerHooks({ load: (url, context, next) => (globalThis.esm.push(url), next(url, context)) });`,
    );
    const { stdout } = await run(process.execPath, ['--import', hook, path], { cwd: folder });
    const { names, loaded } = JSON.parse(stdout) as { names: string[]; loaded: string[] };
    expect(names).toEqual(
      expect.arrayContaining(['attach', 'durableToolRunner', 'heldCalls', 'start', 'startSession']),
    );
    expect(loaded.some(each => each.includes('@temporalio/client/'))).toBe(true);
    expect(
      loaded.filter(each => /core-bridge|@temporalio\/worker|@anthropic-ai|webpack|hono|\.node$/.test(each)),
    ).toEqual([]);
  });

  it('serves the console with its files', async () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
    const assets = files.find(each => each.endsWith('console/assets')) ?? '';
    const ours = join(folder, 'node_modules', 'holdfast');
    cpSync(join(ROOT, assets), join(ours, assets), { recursive: true });
    const path = file(
      'shows.js',
      `const { startConsole } = await import(${JSON.stringify(pathToFileURL(join(ours, 'dist/console/server.js')).href)});
       const source = { sessions: async () => ({ rows: [], more: false, counts: {} }), waiting: async () => 0, thisHost: async () => undefined };
       const shown = await startConsole({ source, host: '127.0.0.1', port: 0, readsNeedToken: false, temporal: '', defaultName: '' });
       const page = await (await fetch(shown.url)).text();
       const named = [...page.matchAll(/"(\\/assets\\/[^"]+)"/g)].map(([, name]) => name);
       const answers = await Promise.all(named.map(async name => (await fetch(new URL(name, shown.url))).status));
       await shown.close();
       console.log(JSON.stringify(answers));`,
    );
    const { stdout } = await run(process.execPath, [path], { cwd: folder });
    const answers = JSON.parse(stdout) as number[];
    expect(answers.length).toBeGreaterThan(5);
    expect(new Set(answers)).toEqual(new Set([200]));
  });

  it('types what a backend writes, and refuses what is wrong', async () => {
    const good = `
      import Anthropic from '@anthropic-ai/sdk';
      import { attach, durableToolRunner, start, type SessionCall } from 'holdfast/client';
      import { createWebhookReceiver, sessionsOfEnvironment } from 'holdfast/webhook';
      const session = await start('sesn_1', { maxIdleMs: 1_000 });
      for await (const call of session.calls({ signal: AbortSignal.timeout(1) })) {
        const told: SessionCall = call;
        console.log(told.name, told.isError, told.posted, told.confirmation, told.event.id);
      }
      const { state } = await session.untilDone();
      const again: string | undefined = (await attach('sesn_1'))?.runId;
      const client = new Anthropic();
      for await (const { name } of durableToolRunner(client, 'sesn_1', { tools: new URL('./tools.js', import.meta.url) }))
        console.log(name, state, again);
      createWebhookReceiver({ signingKey: 'whsec_', start: id => start(id), serves: sessionsOfEnvironment(client, 'env_1') });
    `;
    file('good.ts', good);
    file('bad.ts', good.replace('{ maxIdleMs: 1_000 }', '{ maxIdle: 1_000 }'));
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    const { stdout } = await run(process.execPath, [TSC, ...flags, 'good.ts', 'bad.ts'], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    // Declarations of others have errors of their own.
    const errors = stdout.split('\n').filter(line => /^(good|bad|node_modules\/holdfast)/.test(line));
    expect(errors).toEqual([expect.stringMatching(/^bad\.ts.*'maxIdle' does not exist/)]);
  });
});
