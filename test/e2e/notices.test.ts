/** People on duty: what they are told, what is counted, and what is logged of one worker that serves five sessions. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerApproval } from '../../src/client.ts';
import type { Notice } from '../../src/workflows/notice.ts';
import { startReceiver } from '../notices/receiver.ts';
import { SECRET } from '../notices/sample.ts';
import { alertRules, metricsOf } from '../support/alerts.ts';
import { eventually } from './support/eventually.ts';
import { listening } from './support/examples.ts';
import { closedPort } from './support/failing.ts';
import { runIdsOf } from './support/history.ts';
import { toolHostPid } from './support/leftovers.ts';
import { sharedWorld, type World } from './support/world.ts';

const TOKEN = 'planted-token';
const folder = mkdtempSync(join(tmpdir(), 'hfn-'));
const told = join(folder, 'told');
const metrics = `127.0.0.1:${await closedPort()}`;
/** The receiver of examples/, once it listens. */
const example = Promise.withResolvers<Awaited<ReturnType<typeof listening>>>();
const tries = new Map<string, number>();

/** Refuses each notice twice, then hands it to the example as it came. */
const receiver = await startReceiver(async (_, { headers, body }) => {
  const id = headers['webhook-id'] ?? '';
  const nth = (tries.get(id) ?? 0) + 1;
  tries.set(id, nth);
  if (nth <= 2) return { status: 500 };
  const { url } = await example.promise;
  const { status } = await fetch(`${url}/notices`, {
    method: 'POST',
    headers: signed(headers),
    body,
  });
  return { status };
});

const shared = sharedWorld(import.meta.url, {
  env: {
    HOLDFAST_NOTIFY_URL: `http://127.0.0.1:${receiver.port}/${TOKEN}`,
    HOLDFAST_NOTIFY_SECRET: SECRET,
    HOLDFAST_NOTIFY_COMMAND: JSON.stringify(['sh', '-c', `cat >> "${told}"`]),
    HOLDFAST_NOTIFY_PER_MINUTE: '6000',
    HOLDFAST_NOTIFY_TIMEOUT: '45s',
    HOLDFAST_METRICS: metrics,
    HOLDFAST_LOG: 'json',
  },
});

beforeAll(async () => {
  example.resolve(await listening(shared(), 'notices', { HOLDFAST_NOTIFY_SECRET: SECRET }));
});

afterAll(() => {
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

function signed(headers: Readonly<Record<string, string>>): Record<string, string> {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'content-type'];
  return Object.fromEntries(names.map(name => [name, headers[name] ?? '']));
}

/** The notices of a session, each once, in the order in which they first came. */
function noticesOf(session: string): Notice[] {
  const all = receiver.received.map(
    ({ headers, body }) => new Webhook(SECRET).verify(body, headers) as Notice,
  );
  const mine = all.filter(({ data }) => data.session === session);
  return [...new Map(mine.map(notice => [notice.id, notice])).values()];
}

/** What the command was told, one JSON a line. */
function commandLines(): Notice[] {
  return readFileSync(told, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Notice);
}

type OfType<T extends Notice['type']> = Extract<Notice, { type: T }>;

/** The first notice of that type that is meant, once the example and the command have taken it. */
async function taken<T extends Notice['type']>(
  w: World,
  session: string,
  type: T,
  isMeant: (notice: OfType<T>) => boolean = () => true,
): Promise<OfType<T>> {
  const isOfType = (one: Notice): one is OfType<T> => one.type === type;
  const notice = await eventually(`${session} ${type}`, () =>
    noticesOf(session).filter(isOfType).find(isMeant),
  );
  const delivery: WorkflowHandle = w.client.workflow.getHandle(`${session}/${notice.id}`);
  expect(await delivery.result()).toEqual(['webhook', 'command']);
  expect(tries.get(notice.id)).toBe(3);
  expect(commandLines().filter(({ id }) => id === notice.id)).toEqual([notice]);
  return notice;
}

async function heldCalls(w: World, session: string, count: number): Promise<string[]> {
  return eventually(`${count} calls are held`, async () => {
    const calls = await w.calls(session).catch(() => []);
    const held = calls.flatMap(({ id, state }) => (state === 'held' ? [id] : []));
    return held.length === count && held;
  });
}

describe.concurrent('people on duty are told', () => {
  it('of calls that are held together, once, also when the run continues as new meanwhile', async () => {
    const w = shared();
    const session = w.session(async agent => {
      const asked = ['one', 'two', 'three'].map(word => agent.ask('bash', { command: `echo ${word}` }));
      for (let i = 0; i < 12; i++) await agent.call('effect', { label: `beside-${i}`, ms: 1 });
      await Promise.all(asked);
    });
    const handle = await w.begin(session.id, { maxHistory: 80 });
    const held = await heldCalls(w, session.id, 3);
    const { data } = await taken(w, session.id, 'calls.held');
    expect(data.calls.map(({ call }) => call)).toEqual(held);
    expect(data.calls[0]).toMatchObject({
      summary: 'bash: echo one',
      input: { command: 'echo one' },
      owned: true,
    });
    await w.effect('end beside-11');
    for (const callId of held) await answerApproval(w.client, session.id, { callId, result: 'deny' });
    expect((await handle.result()).calls.filter(({ state }) => state !== 'settled')).toEqual([]);
    expect((await runIdsOf(w.client, session.id)).length).toBeGreaterThan(1);
    expect(noticesOf(session.id)).toHaveLength(1);
    // Its receiver was away for a while, and the session's history knows nothing of that.
    const { activities } = await w.history(session.id);
    expect(activities.filter(({ type }) => type === 'notify')).toEqual([]);
  });

  it('of a call whose outcome is not known, although its run has ended before anybody took the notice', async () => {
    const w = shared();
    const session = w.session([
      { call: 'bash', input: { command: 'echo "begin lost 0000000000000" >> "$EFFECTS"; sleep 300' } },
    ]);
    const handle = await w.begin(session.id);
    await w.effect('begin lost');
    process.kill(toolHostPid(w.stateDir, session.id), 'SIGKILL');
    const { calls } = await handle.result();
    const { data } = await taken(w, session.id, 'calls.unknown');
    expect(data.calls).toMatchObject([{ call: calls[0]?.id, name: 'bash', reason: expect.any(String) }]);
  });

  it('of a session whose results the API does not take, once, and it goes on when it does', async () => {
    const w = shared();
    const session = w.session([{ call: 'bash', input: { command: 'echo stuck' } }]);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    const handle = await w.begin(session.id, { stuckAfterMs: 1_500 });
    // A busy machine may have made it wait too long for something else before.
    const isForPost = ({ data: { waitingFor } }: { data: { waitingFor: string } }) =>
      waitingFor === 'the API to take what is posted';
    const { data } = await taken(w, session.id, 'session.stuck', isForPost);
    expect(data.openCalls).toBe(1);
    expect((await w.status(session.id)).stuck?.what).toBe(data.waitingFor);
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    const same = noticesOf(session.id).filter(
      one => one.type === 'session.stuck' && one.data.since === data.since,
    );
    expect(same).toHaveLength(1);
  });

  it('of a session that cannot even be looked up, before it is known whether anybody listens', async () => {
    const w = shared();
    const session = w.session([{ call: 'bash', input: { command: 'echo late' } }]);
    session.setFaults({ fail: [{ route: 'retrieve', status: 503, times: 1_000 }] });
    const handle = await w.begin(session.id, { stuckAfterMs: 1_500 });
    const { data } = await taken(w, session.id, 'session.stuck');
    expect(data).toMatchObject({ title: null, waitingFor: 'the API to tell of the session' });
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ posted: true }]);
  });
});

it('the receiver of examples/ has passed each notice on once', async () => {
  const w = shared();
  const said = w.processes.find(
    ({ args, stdout }) => args.length === 0 && stdout.includes('listening at'),
  )?.stdout;
  const [, ...lines] = said?.trim().split('\n') ?? [];
  expect(lines.length).toBeGreaterThanOrEqual(4);
  expect(lines.filter(line => /waits for an approval: sevt_\S+ bash: echo one; /.test(line))).toHaveLength(1);
  expect(lines.filter(line => line.includes('was told that it is not known'))).toHaveLength(1);
  expect(new Set(lines).size).toBe(lines.length);
  await (await example.promise).end();
});

function sumOf(text: string, name: string, labels: readonly string[]): number {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))]
    .filter(([, set = '']) => labels.every(label => set.includes(label)))
    .reduce((total, [, , value]) => total + Number(value), 0);
}

it('metrics tell of it, and all that the alert rules ask Temporal’s SDK for is there', async () => {
  const w = shared();
  // A session that fails, and workflow code that is not there, so that those are counted, too.
  const missing = await w.begin('sesn_not_there');
  await expect(missing.result()).rejects.toThrow();
  const unknown = await w.client.workflow.start('notThere', {
    workflowId: 'unknown',
    taskQueue: 'sessions',
    args: [],
  });
  const read = async () => (await fetch(`http://${metrics}/metrics`)).text();
  // What is on its way is counted when it is there; what is tried again, or done again, counts again.
  const text = await vi.waitFor(
    async () => {
      const told = await read();
      expect(told).toContain('temporal_workflow_task_execution_failed{');
      const sum = (name: string, ...labels: string[]) => sumOf(told, name, labels);
      expect(sum('holdfast_calls_held')).toBeGreaterThanOrEqual(3);
      expect(sum('holdfast_calls_settled', 'how="denied"')).toBeGreaterThanOrEqual(3);
      expect(sum('holdfast_calls_settled', 'how="posted"')).toBeGreaterThanOrEqual(15);
      expect(sum('holdfast_calls_unknown')).toBeGreaterThanOrEqual(1);
      expect(sum('holdfast_sessions_stuck')).toBeGreaterThanOrEqual(2);
      expect(
        sum('holdfast_tool_duration_count', 'tool="effect"', 'outcome="answered"'),
      ).toBeGreaterThanOrEqual(12);
      expect(sum('holdfast_tool_duration_count', 'tool="bash"', 'outcome="unknown"')).toBeGreaterThanOrEqual(
        1,
      );
      expect(told).toMatch(/^holdfast_tool_duration_bucket\{.*le="3600000"\}/m);
      expect(sum('holdfast_post_retries', 'activity="postResults"')).toBeGreaterThan(0);
      expect(sum('holdfast_api_failures', 'type="ApiUnavailable"')).toBeGreaterThan(0);
      expect(sum('holdfast_tool_hosts_opened', 'how="new"')).toBeGreaterThanOrEqual(4);
      const notices = tries.size;
      expect(sum('holdfast_notices_sent', 'way="webhook"')).toBeGreaterThanOrEqual(notices);
      expect(sum('holdfast_notices_failed', 'way="webhook"')).toBeGreaterThanOrEqual(2 * notices);
      expect(sum('holdfast_notices_sent', 'way="command"')).toBeGreaterThanOrEqual(notices);
      expect(sum('holdfast_calls_running')).toBe(0);
      return told;
    },
    { timeout: 60_000, interval: 500 },
  );
  await unknown.terminate();
  const seen = new Set(text.match(/^\w+/gm));
  const asked = alertRules().flatMap(({ expr }) => metricsOf(expr));
  const ofTemporal = asked.filter(name => name.startsWith('temporal_'));
  expect(ofTemporal.length).toBeGreaterThan(2);
  expect(ofTemporal.filter(name => !seen.has(name))).toEqual([]);
});

it('each log line is an object that names its session, and no secret is in any', async () => {
  const w = shared();
  const [worker] = w.processes;
  const lines =
    worker?.stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>) ?? [];
  for (const { time, level, message } of lines) {
    expect(Date.parse(String(time))).toBeGreaterThan(0);
    expect(level).toMatch(/^(INFO|WARN|ERROR)$/);
    expect(message).not.toBe('');
  }
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'WARN',
      session: expect.stringMatching(/^sesn_\w+$/),
      notice: expect.stringMatching(/^msg_/),
      activity: 'notify',
      attempt: 2,
      error: expect.stringContaining(`http://127.0.0.1:${receiver.port} answered 500`),
    }),
  );
  const histories = await Promise.all(
    [...tries.keys()].map(async id => {
      const session = w.sessions.find(one => noticesOf(one.id).some(notice => notice.id === id))?.id;
      return JSON.stringify((await w.history(`${session}/${id}`)).events);
    }),
  );
  expect(histories.length).toBeGreaterThanOrEqual(4);
  const secret = SECRET.replace('whsec_', '');
  for (const text of [w.said(), ...histories]) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(secret);
  }
});
