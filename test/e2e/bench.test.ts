/** `npm run bench -- --quick` with one workload of each kind, for every peer. Its figures are not looked at. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, it } from 'vitest';
import type { BenchRecord } from '../../bench/record.ts';
import { HoldfastProcess } from './support/holdfast-process.ts';

/** The others cost a minute of CPU: `npm run bench -- --quick` plays all. */
const PLAYED = ['no-op', 'four-calls', 'interrupt'];

const BENCH = fileURLToPath(new URL('../../bench/bench.ts', import.meta.url));

function bench(folder: string, ...args: readonly string[]): HoldfastProcess {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'XDG_CACHE_HOME'];
  const env = Object.fromEntries(
    names.flatMap(name => [[name, process.env[name] ?? '']]).filter(([, v]) => v),
  );
  return new HoldfastProcess(args, { ...env, TEMPORAL_ADDRESS: inject('temporalAddress') }, folder, [BENCH]);
}

it('each kind of workload is played by Holdfast and by each peer that can', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-quick-'));
  try {
    const [json, chart] = [join(folder, 'out.json'), join(folder, 'chart.svg')];
    const ran = bench(folder, '--quick', '--only', PLAYED.join(','), '--json', json, '--chart', chart);
    // Also when this takes too long: it ends what it has started.
    onTestFinished(async () => void (await ran.endWithin('SIGTERM', 60_000)));
    const exit = await ran.exit;
    expect(exit, exit.stderr).toMatchObject({ code: 0 });
    const record = JSON.parse(readFileSync(json, 'utf8')) as BenchRecord;
    expect(record.workloads.map(({ name }) => name)).toEqual(PLAYED);
    for (const { name, peers } of record.workloads)
      for (const { peer, samples, failure } of peers) {
        expect(failure, `${name}, ${peer}`).toBeNull();
        expect(samples[0]?.times.length, `${name}, ${peer}`).toBeGreaterThan(0);
      }
    expect(exit.stdout).toContain('| no-op | Holdfast |');
    expect(readFileSync(chart, 'utf8')).toContain('</svg>');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a flag that is wrong ends it at once, with what there is instead', async () => {
  const { code, stderr } = await bench(tmpdir(), '--only', 'no-such').exit;
  expect(code).toBe(2);
  expect(stderr).toMatch(/there is no workload no-such; there are no-op, four-calls/);
});
