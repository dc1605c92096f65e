/** `holdfast chaos`, short: the real command, real kills, its exit status, what it leaves behind. */
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { ChaosReport } from '../../src/dev/chaos/report.ts';
import { PHASES } from '../../src/dev/chaos/snapshot.ts';
import { leftoversOf, runCommand } from './support/command-run.ts';
import { eventually } from './support/eventually.ts';

const PATIENT = { timeout: 280_000 };

async function chaosOf(
  context: { onTestFinished: Parameters<typeof runCommand>[2] },
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  return runCommand(['chaos', ...args], env, context.onTestFinished);
}

describe.concurrent('holdfast chaos', PATIENT, () => {
  it('finds nothing doubled, lost or stuck, whatever is killed', async context => {
    const run = await chaosOf(context, ['--seed', '3', '--kills', '6', '--sessions', '6', '--json']);
    const { status, stdout, stderr } = await run.ended;
    expect(status, stdout + stderr).toBe(0);
    const report = JSON.parse(stdout) as ChaosReport;
    expect(report).toMatchObject({ ok: true, seed: 3, doubled: 0, lost: 0, stuck: 0, wronglyUnknown: 0 });
    expect(Object.keys(report.strikes).sort()).toEqual(['api', 'temporal', 'tool-host', 'worker']);
    const caughtIn = PHASES.filter(phase => report.caught.phases[phase] > 0);
    expect(caughtIn.length, JSON.stringify(report.caught)).toBeGreaterThanOrEqual(3);
    expect(report.caught.calls).toBeGreaterThan(20);
    expect(stderr).toBe('');
    expect(await leftoversOf(run)).toEqual([]);
  });

  it('sees the SDK’s own runner double calls under the same kills: exit 1, and how to do it again', async context => {
    const args = ['--runner', 'sdk', '--seed', '1', '--kills', '3', '--sessions', '4', '--victims', 'worker'];
    const run = await chaosOf(context, args);
    const { status, stdout, stderr } = await run.ended;
    expect(status, stdout + stderr).toBe(1);
    expect(stdout).toMatch(/What was wrong:\n {2}- \S+ s\d-\d+ \(sevt_\w+\) ran \d times/);
    expect(stdout).toMatch(
      /chaos \(the SDK’s runner\): failed \(\d+ calls, \d+ caught in flight, [1-9]\d* doubled/,
    );
    expect(stderr).toMatch(
      /^evidence: \S+\nrepeat: {3}holdfast chaos --seed 1 --kills 3 --victims worker --sessions 4 --runner sdk\n$/,
    );
    expect(await leftoversOf(run)).toEqual([stderr.split('\n')[0]?.split('/').at(-1)]);
  });

  it('strikes a user’s own tools, on their own Temporal server', async context => {
    const folder = await mkdtemp(join(tmpdir(), 'hfd-tools-'));
    context.onTestFinished(() => rm(folder, { recursive: true }));
    const tools = join(folder, 'tools.mjs');
    await writeFile(tools, USER_TOOLS);
    const args = ['--tools', tools, '--seed', '2', '--kills', '3', '--sessions', '3', '--json'];
    const own = await chaosOf(context, args, { TEMPORAL_ADDRESS: inject('temporalAddress') });
    const { status, stdout, stderr } = await own.ended;
    expect(status, stdout + stderr).toBe(0);
    const report = JSON.parse(stdout) as ChaosReport;
    expect(report).toMatchObject({ ok: true, doubled: 0, lost: 0 });
    expect(Object.keys(report.strikes).sort()).toEqual(['api', 'tool-host', 'worker']);
    expect(report.caught.calls).toBeGreaterThan(0);
    expect(await leftoversOf(own)).toEqual([]);
  });

  it('ends with 130 on Ctrl-C and leaves nothing', async context => {
    const run = await chaosOf(context, ['--sessions', '2', '--kills', '100']);
    const effects = () => globSync('hf-chaos-*/effects', { cwd: run.folder });
    await eventually('a tool has run', () => effects().length > 0);
    run.child.kill('SIGINT');
    const { status, stdout } = await run.ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(await leftoversOf(run)).toEqual([]);
  });

  it.for([
    ['--victims dog', '"dog" is not one of worker, tool-host, temporal, api'],
    ['--seed 1.5', '--seed is a whole number'],
    ['--kills 0', '--kills is a whole number from 1'],
    ['--duration soon', '--duration is not a duration: soon'],
    ['--runner sdk --victims tool-host', "--victims tool-host: the SDK's runner has none"],
    ['--tools /nowhere/tools.ts', 'the tools module /nowhere/tools.ts is not there'],
  ])('refuses %s with exit 2', async ([flags = '', words], context) => {
    const { status, stdout, stderr } = await (await chaosOf(context, flags.split(' '))).ended;
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('does not kill a Temporal server that is not its own', async context => {
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
    const { status, stderr } = await (await chaosOf(context, ['--victims', 'worker,temporal'], env)).ended;
    expect(status).toBe(2);
    expect(stderr).toContain('--victims temporal: TEMPORAL_ADDRESS names a server that is not ours to kill');
  });
});

const USER_TOOLS = `
const schema = { type: 'object', properties: { cents: { type: 'integer', minimum: 1 } }, required: ['cents'] };
const charge = { name: 'charge_card', description: '', input_schema: schema, run: async ({ cents }) => {
  await sleep(cents);
  return 'charged';
} };
const look = { ...charge, name: 'look_up' };
export const chaos = { charge_card: [{ cents: 300 }, { cents: 900 }] };
export default { tools: [charge, { tool: look, idempotent: true }] };
`;
