/** `holdfast demo` as its user runs it: a process, its standard output, its exit status, what it leaves behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { leftoversOf, runCommand } from './support/command-run.ts';

/** The demo's own limit, and its server's start on a busy machine. */
const PATIENT = { timeout: 240_000 };

const startDemo = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  runCommand(['demo', ...args], env);

async function demoNamespaces(address: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const { namespaces } = await connection.workflowService.listNamespaces({ pageSize: 1000 });
    const names = (namespaces ?? []).map(({ namespaceInfo }) => namespaceInfo?.name ?? '');
    return names.filter(name => name.startsWith('holdfast-demo-'));
  } finally {
    await connection.close();
  }
}

test(
  'a worker that is killed in the middle of a command costs nothing: the verdict is ok',
  PATIENT,
  async () => {
    const demo = await startDemo([]);
    const { status, stdout, stderr } = await demo.ended;
    const lines = stdout.trimEnd().split('\n');
    expect(lines.at(-1), stdout + stderr).toBe('demo: ok (14 calls, 0 run twice, 0 lost)');
    expect(status).toBe(0);
    expect(stdout).toMatch(/killed with SIGKILL\nafter [\d.]+ s, in the middle of "bash release \(4 s\)"/);
    expect(lines.filter(line => line.length > 80)).toEqual([]);
    expect(stdout).not.toContain('\u001b');
    expect(await leftoversOf(demo)).toEqual([]);
  },
);

test('the SDK’s runner, killed alike, runs a call twice: exit 1', PATIENT, async () => {
  const demo = await startDemo(['--runner', 'sdk', '--json']);
  const { status, stdout, stderr } = await demo.ended;
  expect(status, stderr).toBe(1);
  const figures = JSON.parse(stdout) as { runTwice: number; problems: string[] };
  expect(figures).toMatchObject({ ok: false, calls: 14, lost: 0, runner: 'sdk' });
  expect(figures.runTwice).toBeGreaterThan(0);
  expect(figures.problems).toContain('bash release (4 s) took effect 2 times');
  expect(await leftoversOf(demo)).toEqual([]);
});

test('a limit that is reached is a failure that names what it waited for', PATIENT, async () => {
  const demo = await startDemo(['--runner', 'sdk', '--limit', '5ms']);
  const { status, stdout } = await demo.ended;
  expect(status).toBe(1);
  expect(stdout).toContain('not done after 0.005 s, while: starting the worker');
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('demo: failed (0 calls, 0 run twice, 0 lost)');
  expect(await leftoversOf(demo)).toEqual([]);
});

test('Ctrl-C in the middle leaves nothing, on a server of the user’s either', PATIENT, async () => {
  const address = inject('temporalAddress');
  const demo = await startDemo([], { TEMPORAL_ADDRESS: address });
  const ended = demo.ended.then(() => true);
  while (!demo.stderrSoFar().includes('the agent works')) {
    if (await Promise.race([ended, sleep(20, false)])) break;
  }
  expect(await demoNamespaces(address)).toHaveLength(1);
  demo.child.kill('SIGINT');
  const { status, stdout } = await demo.ended;
  expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
  expect(await leftoversOf(demo)).toEqual([]);
  await expect.poll(() => demoNamespaces(address), { timeout: 30_000 }).toEqual([]);
});

test('an unreachable server is one line with its address', PATIENT, async () => {
  const demo = await startDemo([], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  const { status, stderr } = await demo.ended;
  expect(status).toBe(1);
  expect(stderr).toContain('cannot use Temporal at 127.0.0.1:1');
  expect(await leftoversOf(demo)).toEqual([]);
});
