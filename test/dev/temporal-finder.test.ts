import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { builtEntry, bundledModule, defaultCacheDir, readModule } from '../../src/dev/temporal-cache.ts';
import { findTemporal, temporalUnavailable } from '../../src/dev/temporal-finder.ts';
import { cacheEntry, machine, reasons } from './fake-machine.ts';
import { fakeGo, fakePrograms, fakeTemporal, gone } from './fake-programs.ts';

const downloadProgram = fileURLToPath(new URL('./programs/download.ts', import.meta.url));

test('a server that runs already is taken, and no program is even looked at', async () => {
  const fakes = fakePrograms();
  await fakes.program('bin/temporal', 'note looked');
  const external = { address: 'temporal.example:7233', namespace: 'mine' };
  const outcome = await findTemporal(machine(fakes, { external }));
  expect(outcome).toEqual({ kind: 'external', ...external });
  expect(fakes.notes()).toEqual([]);
});

test('temporal on PATH comes before the cache, the cache before download and build', async () => {
  const fakes = fakePrograms();
  const built = await fakes.program('built', fakeTemporal('built'));
  await fakes.program('bin/go', fakeGo(built));
  const options = machine(fakes, {
    download: true,
    downloadProgram,
    env: {
      PATH: join(fakes.folder, 'bin'),
      DOWNLOAD: await fakes.program('downloaded', fakeTemporal('downloaded')),
    },
  });
  const found = async () => {
    const outcome = await findTemporal(options);
    return outcome.kind === 'binary' ? [outcome.origin, outcome.version] : reasons(outcome);
  };
  expect(await found()).toEqual(['download', 'downloaded']);
  expect(await found()).toEqual(['cache', 'downloaded']);
  await fakes.program(`${cacheEntry(fakes).slice(fakes.folder.length)}/temporal`, fakeTemporal('mine'));
  expect(await found()).toEqual(['cache', 'mine']);
  await fakes.program('bin/temporal', fakeTemporal('on path'));
  expect(await found()).toEqual(['path', 'on path']);
  expect(fakes.notes()).toEqual([]);
});

test('a broken, a hanging, a foreign and a too old temporal are passed over, each with its reason', async () => {
  const fakes = fakePrograms();
  const folders = ['broken', 'hanging', 'foreign', 'old', 'good'].map(name => join(fakes.folder, name));
  await fakes.program('broken/temporal', 'echo "bad CPU" >&2; exit 3');
  await fakes.program('hanging/temporal', 'exec sleep 60');
  await fakes.program('foreign/temporal', 'echo "temporal tables 1.0"');
  await fakes.program('old/temporal', fakeTemporal('0.1', '--db-filename --namespace --ip'));
  const limits = { probe: 4_000 };
  const search = (path: string[]) =>
    findTemporal(machine(fakes, { env: { PATH: path.join(':') }, build: false, limits }));
  const told = reasons(await search(folders));
  expect(told).toEqual([
    'a running server: TEMPORAL_ADDRESS is not set',
    expect.stringMatching(/broken\/temporal --version` exited with 3: bad CPU$/),
    expect.stringMatching(/hanging\/temporal --version` gave no answer within 4000 ms$/),
    expect.stringMatching(
      /foreign\/temporal is not the Temporal CLI: --version answers "temporal tables 1.0"/,
    ),
    expect.stringMatching(/\(temporal version 0.1\) is too old.*--dynamic-config-value, --search-attribute$/),
    expect.stringMatching(/^cache .*: holds none$/),
    'official download: switched off',
    expect.stringMatching(/^build with Go .*: switched off$/),
  ]);
  await fakes.program('good/temporal', fakeTemporal('1.2.3'));
  expect(await search(folders.filter(folder => !folder.endsWith('hanging')))).toEqual({
    kind: 'binary',
    origin: 'path',
    path: join(fakes.folder, 'good', 'temporal'),
    version: '1.2.3',
  });
});

test('a cached server that no longer runs is replaced', async () => {
  const fakes = fakePrograms();
  const built = await fakes.program('built', fakeTemporal('new'));
  await fakes.program('bin/go', fakeGo(built));
  await fakes.program(`${cacheEntry(fakes).slice(fakes.folder.length)}/temporal`, 'exit 1');
  expect(await findTemporal(machine(fakes))).toMatchObject({ origin: 'build', version: 'new' });
  expect(await findTemporal(machine(fakes))).toMatchObject({ origin: 'cache', version: 'new' });
});

test('where nothing can be had, one error lists every way with its reason and what would help', async () => {
  const fakes = fakePrograms();
  await fakes.program('bin/go', fakeGo('/nothing', 0, '1.22.2'));
  const outcome = await findTemporal(machine(fakes));
  if (outcome.kind !== 'none') throw new Error(outcome.kind);
  const { message, fault } = temporalUnavailable(outcome.tried);
  expect(fault).toBe('unavailable');
  expect(message.split('\n').map(line => line.replaceAll(fakes.folder, '~'))).toEqual([
    'No Temporal server can be had. Tried:',
    '  - a running server: TEMPORAL_ADDRESS is not set',
    '  - temporal on PATH: there is none',
    '  - cache ~/cache: holds none',
    '  - official download: switched off',
    expect.stringMatching(/build with Go .*: ~\/bin\/go is Go 1.22.2, 1.26.4 or later is needed$/),
    'Provide one in any of these ways:',
    '  - set TEMPORAL_ADDRESS to a server that runs,',
    '  - install the temporal CLI, so that `temporal` is on PATH,',
    '  - install Go 1.26.4 or later: the server is then built once.',
  ]);
});

test('the real download gives up when the network refuses, with the address it asked', async () => {
  const fakes = fakePrograms();
  const refused = 'http://127.0.0.1:1';
  const env = { PATH: '', HOME: fakes.folder, HTTPS_PROXY: refused, https_proxy: refused };
  const told = reasons(await findTemporal(machine(fakes, { env, download: true, build: false })));
  expect(told).toContainEqual(expect.stringMatching(/^official download: .*https:\/\/temporal\.download/));
});

test('a download that stalls is cut, its process ended and its folder emptied', async () => {
  const fakes = fakePrograms();
  const limits = { downloadStall: 4_000 };
  const options = machine(fakes, { download: true, downloadProgram, build: false, limits });
  const told = reasons(await findTemporal(options));
  expect(told).toContainEqual('official download: nothing arrived for 4000 ms');
  const folder = join(fakes.folder, 'cache', 'temporal');
  const download = readdirSync(folder).find(name => name.startsWith('official-')) ?? '';
  expect(readdirSync(join(folder, download))).toEqual(['download.log']);
  await gone(Number(readFileSync(join(folder, download, 'download.log'), 'utf8')));
});

test('a cache that cannot be written is a reason among the others', async () => {
  const fakes = fakePrograms();
  const file = join(fakes.folder, 'file');
  writeFileSync(file, '');
  const told = reasons(await findTemporal(machine(fakes, { cacheDir: join(file, 'cache') })));
  expect(told).toContainEqual(expect.stringMatching(/^cache .*ENOTDIR/));
});

test('the cache follows the XDG and macOS conventions', () => {
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/x' }, '/home/a', 'linux')).toBe('/x/holdfast');
  expect(defaultCacheDir({ XDG_CACHE_HOME: '' }, '/home/a', 'linux')).toBe('/home/a/.cache/holdfast');
  expect(defaultCacheDir({}, '/Users/a', 'darwin')).toBe('/Users/a/Library/Caches/holdfast');
  expect(defaultCacheDir({}, homedir())).toContain(homedir());
});

test('the cached name changes with the module, so another version is built anew', () => {
  const fakes = fakePrograms();
  const copy = join(fakes.folder, 'module');
  mkdirSync(copy);
  const module = readModule(bundledModule);
  for (const name of ['go.mod', 'go.sum']) {
    writeFileSync(join(copy, name), readFileSync(join(bundledModule, name)));
  }
  expect(readModule(copy).checksum).toBe(module.checksum);
  writeFileSync(join(copy, 'go.sum'), '');
  expect(builtEntry('/c', readModule(copy))).not.toBe(builtEntry('/c', module));
  expect(module).toMatchObject({ cliVersion: '1.8.2', goVersion: '1.26.4' });
});
