/** `doctor` and `setup` against a real server, and `replay --from-server`: what a person sees, and that nothing is left. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporalServer, type TemporalServer } from '../../src/dev/temporal-server.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { findOptionsForTests } from '../support/temporal-options.ts';
import { eventually } from './support/eventually.ts';
import { createWorld, type World } from './support/world.ts';

let w: World;
beforeAll(async () => {
  w = await createWorld(import.meta.url);
});
afterAll(() => w.end());

async function examined(env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await w.run(['doctor', '--json'], env).exit;
  expect(stderr).toBe('');
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
  expect(code).toBe(ok ? 0 : 1);
  return { ok, checks, of: (check: string) => checks.find(finding => finding.check === check) };
}

it('a set-up that works: exit 0, a line for each part, no secret, and no workflow left behind', async () => {
  const env = { ANTHROPIC_API_KEY: 'sk-ant-api03-of-this-test' };
  const exit = await w.run(['doctor'], env).exit;
  expect([exit.code, exit.stderr], exit.stdout).toEqual([0, '']);
  const lines = exit.stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^doctor: ok/);
  for (const line of lines.slice(0, -1)) expect(line).toMatch(/^[✓!–] \S/);
  for (const check of [
    'Temporal',
    'server',
    'namespace',
    'attributes',
    'dispatch',
    'API',
    'tools',
    'isolation',
  ])
    expect(exit.stdout).toMatch(new RegExp(`^[✓!] ${check} `, 'm'));
  expect(exit.stdout).not.toContain('sk-ant-api03-of-this-test');
  await eventually('the workflow that was measured with is gone', async () => {
    const { count } = await w.client.workflow.count("WorkflowType = 'holdfast-doctor'");
    return count === 0;
  });
});

it('a namespace that is not there is named; setup makes it, harmlessly twice, and doctor looks again', async () => {
  const { namespace } = w.client.options;
  const env = { TEMPORAL_NAMESPACE: `${namespace}-new` };
  const before = await examined(env);
  expect(before.ok).toBe(false);
  expect(before.of('namespace')).toMatchObject({
    ...{ state: 'broken', found: `${namespace}-new is not there` },
    mend: `holdfast setup --namespace ${namespace}-new, or correct TEMPORAL_NAMESPACE`,
  });
  expect(before.of('dispatch')).toMatchObject({ state: 'skipped' });

  const refused = await w.run(['setup'], env).exit;
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toContain(`make it with \`holdfast setup --namespace ${namespace}-new\``);
  const made = await w.run(['setup', '--namespace', `${namespace}-new`, '--retention', '20d', '--json']).exit;
  expect([made.code, made.stderr], made.stdout).toEqual([0, '']);
  expect(JSON.parse(made.stdout)).toMatchObject({
    ...{ namespace: `${namespace}-new`, namespaceWas: 'made', retentionMs: 20 * 86_400_000 },
    searchAttributes: { kind: 'registered' },
  });
  const again = await w.run(['setup', '--namespace', `${namespace}-new`]).exit;
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/is there, it keeps ended runs for 20 days\n.*all registered already\n$/),
  ]);
  const after = await examined({ ...env, HOLDFAST_KEEP: '60d' });
  expect(after.of('namespace')).toMatchObject({
    ...{ state: 'warning', mend: 'holdfast setup --retention 60d, or lower HOLDFAST_KEEP' },
    found: expect.stringContaining('keeps ended runs for 20 days, workspaces are kept for 60d'),
  });
  expect(after.of('attributes')).toMatchObject({ state: 'ok' });
});

it('a server as it comes, with 20 polls a second, is told by measuring, with the keys to set', async () => {
  let server: TemporalServer | undefined;
  try {
    server = await startTemporalServer({
      ...findOptionsForTests(),
      folder: join(w.folder, 'stock'),
      dynamicConfig: {
        'history.transferProcessorMaxPollRPS': 20,
        'history.timerProcessorMaxPollRPS': 20,
        'history.timerProcessorMaxTimeShift': '1s',
        'system.enableActivityEagerExecution': false,
      },
    });
    const { of } = await examined({ TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'default' });
    const { state, mend } = of('dispatch') ?? {};
    expect(state).toBe('warning');
    expect(mend).toContain('history.transferProcessorMaxPollRPS: 2000');
    expect(mend).toContain('history.timerProcessorMaxTimeShift: 10ms');
    expect(mend).toContain('system.enableActivityEagerExecution: true');
  } finally {
    await server?.close();
  }
});

it('replay --from-server says of each run under way that it goes on', async () => {
  const worker = await w.worker();
  const session = w.session(async agent => {
    await agent.call('bash', { command: 'echo one' });
  });
  const handle = await w.begin(session.id, { maxIdleMs: 0 });
  await eventually('the call is posted', async () => (await w.status(session.id)).settledCalls === 1);
  const { code, stdout } = await w.run(['replay', '--from-server', '--json']).exit;
  expect(code).toBe(0);
  const verdict = JSON.parse(stdout) as Record<string, unknown>;
  expect(verdict).toMatchObject({ source: 'server', session: session.id, verdict: 'ok' });
  await w.run(['stop', session.id, '--now']).exit;
  await handle.result();
  await worker.end('SIGTERM');
});
