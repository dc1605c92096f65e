/**
 * Records the histories that the replay gate replays, in the folder of this version: real sessions, on a real server,
 * served by a real worker. Run it for each release, and
 * after a change of the workflow that is meant to change its commands: `npm run record`, or with the names of
 * scenarios to record only those: `npm run record -- approvals`.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import packageFile from '../package.json' with { type: 'json' };
import { answerApproval, startSession, summaryOfRun } from '../src/client.ts';
import { readConfig } from '../src/config.ts';
import { startTemporalServer } from '../src/dev/temporal-server.ts';
import type { Agent } from '../src/emulator/agent.ts';
import { startEmulator } from '../src/emulator/server.ts';
import type { RunOptions } from '../src/workflows/run-input.ts';

/** Those of other versions stay as they are: runs of every release may still be under way. */
const FIXTURES = fileURLToPath(new URL(`../test/fixtures/histories/${packageFile.version}`, import.meta.url));
const BIN = fileURLToPath(new URL('../bin/holdfast.js', import.meta.url));

interface Scenario {
  readonly name: string;
  readonly script: (agent: Agent) => Promise<unknown>;
  readonly options?: Partial<RunOptions>;
  /** Done while the script runs. */
  readonly meanwhile?: (
    session: ReturnType<Awaited<ReturnType<typeof startEmulator>>['createSession']>,
    client: Client,
  ) => Promise<void>;
}

const bash = (command: string) => ({ name: 'bash', input: { command } });

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one-call',
    script: async agent => {
      await agent.call('bash', { command: 'echo one' });
    },
  },
  {
    name: 'parallel-and-locked',
    script: async agent => {
      await agent.calls([
        { name: 'write', input: { file_path: 'a.txt', content: 'a' } },
        bash('cat a.txt'),
        { name: 'read', input: { file_path: 'a.txt' } },
        { name: 'glob', input: { pattern: '*' } },
      ]);
      await agent.call('bash', { command: 'exit 3' });
    },
  },
  {
    name: 'large-result',
    script: async agent => {
      await agent.call('bash', { command: 'head -c 90000 /dev/zero | tr "\\0" x' });
      await agent.call('write', { file_path: 'big.txt', content: 'y'.repeat(100_000) });
    },
  },
  {
    name: 'interrupted',
    script: async agent => {
      await agent.calls([bash('sleep 30'), bash('echo never')]);
    },
    meanwhile: async session => {
      await session.wait('requires_action');
      await new Promise(resolve => setTimeout(resolve, 2_000));
      session.send({ type: 'user.interrupt' });
    },
  },
  {
    name: 'unowned-then-terminated',
    script: async agent => {
      await agent.calls([bash('true'), { name: 'someone_elses', input: {}, kind: 'custom' }]);
    },
    meanwhile: async session => {
      await session.wait('requires_action');
      await new Promise(resolve => setTimeout(resolve, 2_000));
      session.archive();
    },
  },
  {
    name: 'continued-as-new',
    options: { maxHistory: 120 },
    script: async agent => {
      for (let i = 0; i < 12; i++) await agent.call('bash', { command: `echo ${i}` });
    },
  },
  {
    name: 'approvals',
    options: { approvalDeadlineMs: 6_000, maxDurationMs: 3_600_000 },
    script: async agent => {
      const beside = agent.call('bash', { command: 'sleep 3' });
      const asked = [1, 2, 3].map(i => agent.ask('read', { file_path: `${i}.txt` }));
      await Promise.all([beside, ...asked]);
    },
    meanwhile: async (session, client) => {
      await session.wait('requires_action');
      await new Promise(resolve => setTimeout(resolve, 2_000));
      const [, first = '', second = ''] = session.info().open_calls;
      // The third one is left to its deadline.
      await answerApproval(client, session.id, { callId: first, result: 'allow', by: 'alice' });
      await answerApproval(client, session.id, { callId: second, result: 'deny', message: 'no' });
    },
  },
];

const wanted = process.argv.slice(2);
await mkdir(FIXTURES, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'hf-record-'));
const { cacheDir } = readConfig({ ...process.env, HOLDFAST_HOST_LOST: '0' });
const server = await startTemporalServer({
  env: process.env,
  cacheDir,
  folder: join(folder, 'temporal'),
  output: process.stderr,
});
const emulator = await startEmulator();
const worker = spawn(process.execPath, [BIN, 'worker'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    ANTHROPIC_API_KEY: 'recorded',
    ANTHROPIC_BASE_URL: emulator.url,
    TEMPORAL_ADDRESS: server.address,
    HOLDFAST_STATE_DIR: join(folder, 'state'),
  },
});
const connection = await Connection.connect({ address: server.address });
const client = new Client({ connection });
try {
  for (const { name, script, options, meanwhile } of SCENARIOS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const session = emulator.createSession({ script, message: 'go' });
    const handle = await startSession(client, session.id, { maxIdleMs: 1_500, ...options });
    await meanwhile?.(session, client);
    const summary = await summaryOfRun(handle);
    let runs = 0;
    for await (const run of client.workflow.list({ query: `WorkflowId = '${session.id}'` })) {
      const history = await client.workflow.getHandle(session.id, run.runId).fetchHistory();
      const file = join(FIXTURES, `${name}-${++runs}.json`);
      await writeFile(file, `${historyToJSON(history)}\n`);
    }
    process.stderr.write(
      `${name}: ${summary.state} (${summary.reason}), ${summary.calls.length} calls, ${runs} runs\n`,
    );
  }
} finally {
  worker.kill('SIGTERM');
  await new Promise(resolve => worker.once('exit', resolve));
  await connection.close();
  await emulator.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
