/** What a probe is told of the workers of a state folder; each "worker" here is a process that really lives. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { openAttempts } from '../src/activities/attempts.ts';
import { healthOf } from '../src/health.ts';
import { type HealthOptions, reportHealth } from '../src/health-report.ts';
import { identify } from '../src/tool-host/processes.ts';
import { until } from './support/until.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'hfw-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

type Part = Partial<HealthOptions>;

/** Reports as this process, which lives. */
function worker(options: Part = {}) {
  const { folder } = openAttempts(stateDir);
  const probed: boolean[] = [];
  const reporting = reportHealth({
    ...{ folder, roles: ['sessions'], temporal: '127.0.0.1:1/default', probe: async () => {} },
    ...{ everyMs: 10, onProbed: (answered: boolean) => void probed.push(answered) },
    ...options,
  });
  onTestFinished(() => reporting.stop());
  return { folder, reporting, probed };
}

it('a worker that polls and that Temporal answers is healthy', () => {
  worker();
  const { ok, lines } = healthOf(stateDir);
  expect({ ok, lines }).toEqual({
    ok: true,
    lines: [`worker ${process.pid} (sessions): healthy; Temporal at 127.0.0.1:1/default answers`],
  });
});

it('a worker that lost Temporal is not, says since when and why, and is again when Temporal is back', async () => {
  let gone = true;
  const { probed } = worker({
    probe: async () => {
      if (gone) throw new Error('connection refused');
    },
  });
  await until('unhealthy', () => !healthOf(stateDir).ok);
  expect(healthOf(stateDir).lines[0]).toMatch(
    /not healthy; Temporal at \S+ has not answered for \d+ s: connection refused/,
  );
  expect(probed).toContain(false);
  gone = false;
  await until('healthy again', () => healthOf(stateDir).ok);
  expect(probed.at(-1)).toBe(true);
});

it('a worker that hangs is not: it does not renew what it said', () => {
  const { folder } = worker({ everyMs: 60_000 });
  const before = new Date(Date.now() - 30_000);
  utimesSync(join(folder, 'health.json'), before, before);
  const { ok, lines } = healthOf(stateDir);
  expect([ok, lines[0]]).toEqual([
    false,
    expect.stringContaining('not healthy; it has said nothing for 30 s'),
  ]);
});

it('a worker that has not begun to poll is not healthy yet', () => {
  openAttempts(stateDir);
  expect(healthOf(stateDir)).toMatchObject({ ok: false });
  expect(healthOf(stateDir).lines[0]).toContain('has not started to poll yet');
});

it('a role that is asked for must be served by a healthy worker here', () => {
  worker({ roles: ['sessions', 'listeners'] });
  expect(healthOf(stateDir, ['listeners']).ok).toBe(true);
  const { ok, lines } = healthOf(stateDir, ['tools']);
  expect([ok, lines.at(-1)]).toEqual([false, 'no healthy worker serves tools here']);
});

it('one ill worker beside a healthy one is told of', async () => {
  worker();
  const sleeper = spawn('sleep', ['60']);
  onTestFinished(() => void sleeper.kill());
  const folder = join(stateDir, 'workers', 'other');
  mkdirSync(folder);
  writeFileSync(join(folder, 'process.json'), JSON.stringify(identify(sleeper.pid ?? 0)));
  const { ok, lines } = healthOf(stateDir);
  expect([ok, lines.length]).toEqual([false, 2]);
});

it('a worker that is ending is not healthy, and does not count against others', () => {
  const { reporting } = worker();
  reporting.stop();
  const { ok, lines } = healthOf(stateDir);
  expect([ok, lines]).toEqual([
    false,
    [
      `worker ${process.pid} (sessions): not healthy; it is ending`,
      `no worker runs with the state folder ${stateDir}`,
    ],
  ]);
});

it('what a dead process said counts for nothing', () => {
  const { folder } = worker();
  writeFileSync(join(folder, 'process.json'), JSON.stringify({ ...identify(process.pid), startTime: '1' }));
  const { ok, lines } = healthOf(stateDir);
  expect([ok, lines]).toEqual([false, [`no worker runs with the state folder ${stateDir}`]]);
});

it('nothing but whole reports is ever there to be read', async () => {
  const { folder, probed } = worker({ everyMs: 1 });
  await until('many reports', () => {
    expect(healthOf(stateDir).ok).toBe(true);
    return probed.length > 100;
  });
  expect(readdirSync(folder).filter(name => !/^(process\.json|health\.json(\.tmp)?)$/.test(name))).toEqual(
    [],
  );
});

it('a probe runs it as a program: exit 0, or 1 with the reason, without loading Temporal', () => {
  const program = fileURLToPath(new URL('../src/health-main.ts', import.meta.url));
  const run = (...roles: string[]) => {
    const env = { PATH: process.env.PATH, HOLDFAST_STATE_DIR: stateDir };
    const { status, stdout } = spawnSync(process.execPath, [program, ...roles], { env, encoding: 'utf8' });
    return [status, stdout];
  };
  expect(run()).toEqual([1, `no worker runs with the state folder ${stateDir}\n`]);
  worker({ everyMs: 60_000 });
  expect(run('sessions')[0]).toBe(0);
  expect(run('tools')[0]).toBe(1);
});
