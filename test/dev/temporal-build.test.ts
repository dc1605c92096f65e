import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundledModule } from '../../src/dev/temporal-cache.ts';
import { findTemporal } from '../../src/dev/temporal-finder.ts';
import { cacheEntry, machine, reasons } from './fake-machine.ts';
import { fakeGo, fakePrograms, fakeTemporal, gone, runProgram, until } from './fake-programs.ts';

test('two processes that find nothing at the same time build once; the second says whom it waits for', async () => {
  const fakes = fakePrograms();
  const built = await fakes.program('built', fakeTemporal());
  await fakes.program('bin/go', fakeGo(built, 2));
  const options = JSON.stringify(machine(fakes));
  const first = runProgram('find', options);
  await until(() => fakes.notes().length > 0, 'the first build');
  const second = runProgram('find', options);
  const outcomes = [await first.ended, await second.ended];
  const path = join(cacheEntry(fakes), 'temporal');
  expect(JSON.parse(outcomes[0]?.stdout ?? '')).toMatchObject({ origin: 'build', path });
  expect(JSON.parse(outcomes[1]?.stdout ?? '')).toMatchObject({ origin: 'cache', path });
  expect(outcomes[0]?.stderr).toMatch(/^Building the Temporal server once: about 4 minutes .*…\n$/);
  expect(outcomes[1]?.stderr).toBe(
    `Waiting for process ${first.pid}, which downloads or builds the Temporal server…\n`,
  );
  expect(fakes.notes()).toHaveLength(1);
});

test.each(['SIGKILL', 'SIGINT'] as const)(
  'a build ended by %s leaves nothing half, and the next one cleans up',
  async signal => {
    const fakes = fakePrograms();
    const built = await fakes.program('built', fakeTemporal());
    await fakes.program('bin/go', fakeGo(built, 60));
    const first = runProgram('find', JSON.stringify(machine(fakes)));
    await until(() => fakes.notes().length > 0, 'the build');
    first.killGroup(signal);
    await first.ended;
    await gone(Number(fakes.notes()[0]?.split(' ')[1]));
    expect(existsSync(join(cacheEntry(fakes), 'temporal'))).toBe(false);
    await fakes.program('bin/go', fakeGo(built));
    expect(await findTemporal(machine(fakes))).toMatchObject({ origin: 'build' });
    expect(readdirSync(cacheEntry(fakes)).sort()).toEqual(['build.log', 'temporal']);
  },
);

test('an aborted build ends Go and frees the lock', async () => {
  const fakes = fakePrograms();
  const built = await fakes.program('built', fakeTemporal());
  await fakes.program('bin/go', fakeGo(built, 60));
  const stop = new AbortController();
  const finding = findTemporal(machine(fakes, { signal: stop.signal }));
  finding.catch(() => {});
  await until(() => fakes.notes().length > 0, 'the build');
  const reason = new Error('Ctrl-C');
  stop.abort(reason);
  await expect(finding).rejects.toBe(reason);
  await gone(Number(fakes.notes()[0]?.split(' ')[1]));
  expect(readdirSync(cacheEntry(fakes))).toEqual(['build.log']);
  await fakes.program('bin/go', fakeGo(built));
  expect(await findTemporal(machine(fakes))).toMatchObject({ origin: 'build' });
});

test('a build that fails, runs too long or yields no server is told with the reason, and installs nothing', async () => {
  const fakes = fakePrograms();
  const search = async (build: number) =>
    reasons(await findTemporal(machine(fakes, { limits: { build } }))).at(-1);
  const version = 'if [ "$1" = version ]; then echo go1.27; exit; fi';
  await fakes.program('bin/go', `${version}; echo 'dial tcp: refused' >&2; exit 1`);
  expect(await search(60_000)).toMatch(/go build: exit 1: dial tcp: refused \(all of it in .*build\.log\)$/);
  await fakes.program('bin/go', `${version}; note "slow $$"; sleep 60`);
  expect(await search(3_000)).toMatch(/not done after 3000 ms, stopped$/);
  await gone(Number(fakes.notes().at(-1)?.split(' ')[1]));
  await fakes.program('bin/go', fakeGo(await fakes.program('built', 'exit 9')));
  expect(await search(60_000)).toMatch(/temporal --version` exited with 9$/);
  expect(readdirSync(cacheEntry(fakes))).toEqual(['build.log']);
});

test('Go builds in the module folder without writing there, and sees no key of ours', async () => {
  const fakes = fakePrograms();
  const before = readdirSync(bundledModule).map(name => [name, statSync(join(bundledModule, name)).mtimeMs]);
  const built = await fakes.program('built', fakeTemporal());
  const told = 'note "$PWD"; note "key $ANTHROPIC_API_KEY"; note "chain $GOTOOLCHAIN"; note "os $GOOS"';
  await fakes.program('bin/go', `${told}\n${fakeGo(built)}`);
  const env = {
    PATH: join(fakes.folder, 'bin'),
    ANTHROPIC_API_KEY: 'sk',
    GOTOOLCHAIN: 'auto',
    GOOS: 'plan9',
  };
  expect(await findTemporal(machine(fakes, { env }))).toMatchObject({ origin: 'build' });
  expect(fakes.notes()).toEqual(
    expect.arrayContaining([bundledModule, 'key ', 'chain local', 'os ', expect.stringMatching(/^build/)]),
  );
  expect(readdirSync(bundledModule).map(name => [name, statSync(join(bundledModule, name)).mtimeMs])).toEqual(
    before,
  );
});

test('on a terminal the build shows its elapsed time and removes the line at the end', async () => {
  const fakes = fakePrograms();
  await fakes.program('bin/go', fakeGo(await fakes.program('built', fakeTemporal()), 2));
  const written: string[] = [];
  const output = { isTTY: true, write: (text: string) => written.push(text) };
  await findTemporal(machine(fakes, { output }));
  expect(written).toContainEqual(expect.stringMatching(/Building the Temporal server once: .* [1-9]\d*s$/));
  expect(written.at(-1)).toBe('\r\u001b[2K');
});
