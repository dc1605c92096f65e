/** What only a real server shows: signals, retries with their heartbeat details, runs that are gone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getClient } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBatchSignal } from '../../src/activities/batch-signal.ts';
import { createLastHostLookup } from '../../src/activities/last-host.ts';
import { createListen } from '../../src/activities/listen.ts';
import { createParkedStreams } from '../../src/activities/parked-streams.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createOwnResults } from '../../src/anthropic/own-results.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import { startTemporalServer, type TemporalServer } from '../../src/dev/temporal-server.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { EventBatch } from '../../src/workflows/messages.ts';
import { findOptionsForTests } from '../support/temporal-options.ts';
import { batchesQuery, finishSignal, type listening } from './listening-workflow.ts';

const SIGNAL_LIMIT = 40;

let folder: string;
let server: TemporalServer;
let connection: Connection;
let native: NativeConnection;
let client: Client;
let emulator: Emulator;
let workflowBundle: { code: string };

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-listen-'));
  server = await startTemporalServer({
    ...findOptionsForTests(),
    folder,
    dynamicConfig: { 'history.maximumSignalsPerExecution': SIGNAL_LIMIT },
  });
  connection = await Connection.connect({ address: server.address });
  native = await NativeConnection.connect({ address: server.address });
  client = new Client({ connection });
  emulator = await startEmulator({ stampResolution: 'unique' });
  const workflowsPath = fileURLToPath(new URL('./listening-workflow.ts', import.meta.url));
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}, 300_000);

afterAll(async () => {
  await emulator?.close();
  await native?.close();
  await connection?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

interface RunningWorker {
  stop(): Promise<void>;
}

async function startWorker(): Promise<RunningWorker> {
  const parked = createParkedStreams();
  const feed = createSessionFeed(createClient({ baseURL: emulator.url, apiKey: 'key' }));
  const listen = createListen({
    feed,
    parked,
    ownResults: createOwnResults(),
    signal: createBatchSignal(getClient),
  });
  const sessions = await Worker.create({ connection: native, taskQueue: 'sessions', workflowBundle });
  const listeners = await Worker.create({
    connection: native,
    taskQueue: 'listeners',
    activities: { listen },
  });
  const running = [sessions.run(), listeners.run()];
  return {
    async stop() {
      listeners.shutdown();
      sessions.shutdown();
      await Promise.all(running);
      parked.close();
    },
  };
}

async function startListening(session: SessionHandle, maxEvents = 500) {
  const args: Parameters<typeof listening> = [session.id, maxEvents];
  const handle = await client.workflow.start<typeof listening>('listening', {
    taskQueue: 'sessions',
    workflowId: session.id,
    args,
  });
  const batches = () => handle.query(batchesQuery);
  // Another worker's attempt signals the overlap again; the fold drops what it knows (I1).
  const events = async () => [
    ...new Set((await batches()).flatMap(batch => batch.events.map(event => event.id))),
  ];
  return { handle, batches, events };
}

function emit(session: SessionHandle): string {
  return session.emit([{ type: 'agent.tool_use', name: 'bash', input: {} }])[0]?.id ?? '';
}

const POLL = { timeout: 30_000, interval: 50 };

test('cuts, worker shutdowns and lease ends lose nothing and double nothing', async () => {
  const session = emulator.createSession({ script: 'manual' });
  let worker = await startWorker();
  try {
    const { handle, batches, events } = await startListening(session, 4);
    const expected: string[] = [];
    const step = async (disturb: () => unknown) => {
      expected.push(emit(session), emit(session));
      await expect.poll(events, POLL).toEqual(expected);
      await disturb();
    };
    await step(() => session.cutStreams());
    await step(async () => {
      await worker.stop();
      expected.push(emit(session));
      worker = await startWorker();
    });
    await step(() => session.cutStreams());
    await step(() => expected.push(emit(session)));
    await step(() => undefined);
    const kinds = await batches();
    expect(new Set(kinds.map(batch => batch.attempt)).size).toBeGreaterThan(1);
    expect(new Set(kinds.map(batch => batch.lease)).size).toBeGreaterThan(1);
    session.emit([{ type: 'session.status_terminated' }]);
    expect((await handle.result()).at(-1)?.kind).toBe('session-ended');
  } finally {
    await worker.stop();
  }
});

test('a run that has had its signals is told apart from a workflow that is gone', async () => {
  const session = emulator.createSession({ script: 'manual' });
  const worker = await startWorker();
  const signal = createBatchSignal(() => client);
  const batch: EventBatch = {
    epoch: 0,
    lease: 0,
    attempt: 0,
    events: [],
    listed: false,
    cursor: { at: null },
  };
  try {
    const { handle } = await startListening(session);
    const answers: string[] = [];
    for (let n = 0; n <= SIGNAL_LIMIT; n++) answers.push(await signal(session.id, batch));
    expect(answers[0]).toBe('accepted');
    expect(answers.at(-1)).toBe('refused');
    await handle.terminate();
    expect(await signal(session.id, batch)).toBe('gone');
    expect(await signal('sesn_never', batch)).toBe('gone');
  } finally {
    await worker.stop();
  }
});

test('the last host is the one in the memo of the run before, however that ended', async () => {
  const lookup = createLastHostLookup(() => client, { log: () => undefined });
  const session = emulator.createSession({ script: 'manual' });
  const worker = await startWorker();
  try {
    const first = await startListening(session);
    await expect.poll(first.batches, POLL).toHaveLength(1);
    // The only run there is: its own memo does not count.
    expect(await lookup(session.id, first.handle.firstExecutionRunId)).toBeNull();
    await first.handle.terminate();
    const second = await startListening(session);
    const lastHost = { host: 'host-1', incarnation: `of ${session.id}`, hostLostMs: 0 };
    const { firstExecutionRunId } = first.handle;
    await expect
      .poll(() => lookup(session.id, second.handle.firstExecutionRunId), POLL)
      .toEqual({ ...lastHost, runId: firstExecutionRunId });
    await second.handle.signal(finishSignal);
    await second.handle.result();
    await expect
      .poll(() => lookup(session.id, 'a-new-run'), POLL)
      .toEqual({ ...lastHost, runId: second.handle.firstExecutionRunId });
    expect(await lookup('sesn_never', 'run')).toBeNull();
    expect(await lookup("it's", 'run')).toBeNull();
  } finally {
    await worker.stop();
  }
});

test('a Temporal server that does not answer is asked again, one that refuses to tell is not', async () => {
  const away = await Connection.connect({ address: server.address });
  await away.close();
  const log: string[] = [];
  const asking = (client: Client) => createLastHostLookup(() => client, { log: line => log.push(line) });
  await expect(asking(new Client({ connection: away }))('sesn_1', 'run')).rejects.toThrow();
  expect(log).toEqual([]);
  const refusal = Object.assign(new Error('not for you'), { code: 7, details: '', metadata: {} });
  const refusing = new Client({ connection: away });
  refusing.withDeadline = async () => {
    throw refusal;
  };
  expect(await asking(refusing)('sesn_1', 'run')).toBeNull();
  expect(log).toEqual([expect.stringContaining('sesn_1')]);
});
