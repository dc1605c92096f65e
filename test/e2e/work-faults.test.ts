/** Work items where the queue or the network misbehaves (behaviours.md §2.2, §2.3): each test has its own queue. */
import { describe, expect, it, type TestContext } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import type { Faults } from '../../src/emulator/faults.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import {
  actsOf,
  ENVIRONMENT_KEY,
  endOf,
  environmentOf,
  inState,
  itemOf,
  queued,
  recordOf,
  requestsOf,
  withEnvironment,
} from './support/environment.ts';
import { eventually } from './support/eventually.ts';
import type { HoldfastProcess } from './support/holdfast-process.ts';
import { type World, type WorldOptions, world } from './support/world.ts';

const echo = (text: string) => ({ call: 'bash', input: { command: `echo ${text}` } });

/** A world whose queue has these faults, and a worker that serves it. */
async function faulty(
  context: TestContext,
  faults: Faults,
  options: { leaseTtlMs?: number; flags?: readonly string[] } & WorldOptions = {},
): Promise<{ w: World; worker: HoldfastProcess }> {
  const { flags = [], ...rest } = options;
  const w = await world(context, withEnvironment(rest));
  environmentOf(w).setFaults(faults);
  const worker = await w.worker('--max-idle', '700ms', ...flags);
  return { w, worker };
}

describe.concurrent('before an item is ours', () => {
  it('row 135: an ack that fails in passing is repeated for its claim before any new poll', async context => {
    const { w } = await faulty(context, { fail: [{ route: 'work_ack', status: 503, times: 3 }] });
    const session = queued(w, [echo('late')]);
    await endOf(w, session);
    const claim = w.emulator
      .requests()
      .findIndex(({ work_id, route }) => route === 'work_poll' && work_id !== null);
    const routes = w.emulator
      .requests()
      .slice(claim)
      .map(({ route }) => route);
    expect(routes.filter(route => route === 'work_ack')).toHaveLength(4);
    expect(routes.slice(1, routes.lastIndexOf('work_ack'))).not.toContain('work_poll');
    expect(textsOf(session)).toEqual(['late']);
  });

  it('rows 134, 148: W-17: one whose ack is refused is stopped, never served, and the next is', async context => {
    const { w, worker } = await faulty(context, { fail: [{ route: 'work_ack', status: 403, times: 1 }] });
    const session = queued(w, 'manual');
    await endOf(w, session);
    expect(await endOf(w, session)).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('not acknowledged'),
    });
    const routes = requestsOf(w, session).map(({ route }) => route);
    expect(routes).toEqual(['work_poll', 'work_ack', 'work_stop']);
    await worker.says(`work item ${itemOf(w, session).id} is not served`);
    const next = queued(w, [echo('next')]);
    await endOf(w, next);
    expect(textsOf(next)).toEqual(['next']);
  });

  it('row 79: with a secret that cannot be read the environment key serves, and the warning leaks nothing', async context => {
    const { w, worker } = await faulty(context, { secret: 'undecodable' });
    const session = queued(w, [echo('by key')]);
    await endOf(w, session);
    expect(textsOf(session)).toEqual(['by key']);
    const bearers = new Set(requestsOf(w, session).map(({ headers }) => headers.authorization));
    expect([...bearers]).toEqual([`Bearer ${ENVIRONMENT_KEY}`]);
    expect(worker.stderr).toContain(
      `work item ${itemOf(w, session).id} carried a secret without a sessions token`,
    );
    expect(worker.stderr).not.toContain('%%%');
  });

  it('row 130: a revoked environment key ends the worker with one line that says what the API said', async context => {
    const { w, worker } = await faulty(context, {});
    environmentOf(w).setKeys([]);
    const { code, stderr } = await worker.exit;
    expect(code).toBe(1);
    const told = stderr.split('\n').filter(line => line.includes('refuses to be polled'));
    expect(told).toEqual([
      expect.stringMatching(/the work queue of env_1 refuses to be polled: .* answered 401/),
    ]);
    expect(stderr).not.toContain(ENVIRONMENT_KEY);
  });

  it('an answer to a poll that is not JSON is waited out with a clear line', async context => {
    const { w, worker } = await faulty(context, {
      answers: [{ route: 'work_poll', how: 'html', times: 2 }],
    });
    await worker.says('something that is not JSON');
    await endOf(w, queued(w, [echo('after all')]));
  });

  it('row 142: with --drain the worker serves what is queued and ends', async context => {
    const w = await world(context, withEnvironment());
    const sessions = [1, 2, 3].map(n => queued(w, [echo(`drained ${n}`)]));
    const worker = w.run(['worker', '--drain', '--max-idle', '500ms']);
    const { code } = await worker.exit;
    expect(code).toBe(0);
    for (const [n, session] of sessions.entries()) {
      expect(textsOf(session)).toEqual([`drained ${n + 1}`]);
      expect(itemOf(w, session).state).toBe('stopped');
    }
  });
});

const waits = { name: 'alone', input: { label: 'behind', ms: 1 } };

/** One call that runs until `go <label>` is noted, one that waits behind it, one that is held. */
const threeCalls = (label: string) => async (agent: Agent) => {
  await agent.calls([
    { name: 'wait_for', input: { label, line: `go ${label}` } },
    waits,
    { name: 'effect', input: { label: 'held', ms: 1 }, permission: 'ask' },
  ]);
};

function callsOf(session: SessionHandle) {
  const [running, unstarted, held] = answersOf(session);
  return { running, unstarted, held };
}

describe.concurrent('an item that is taken away', () => {
  it('rows 90, 96: a 412 stops its tools at once, releases it without a stop, and the next claim serves on', async context => {
    const { w, worker } = await faulty(context, {}, { leaseTtlMs: 4_000 });
    const session = queued(w, threeCalls('first'));
    await w.effect('begin first');
    const { id } = await inState(w, session, 'active');
    environmentOf(w).setFaults({ fail: [{ route: 'work_heartbeat', status: 412, times: 1 }] });
    const [run] = await runs(w, session);
    const lost = await w.client.workflow.getHandle(session.id, run).result();
    expect(lost).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('lease of the work item was lost'),
    });
    await worker.says(`lease of ${id} lost: server_state=`);
    // I10: the tool is dead, its call told so, what had not started is left to whoever has the item now.
    const { running, unstarted } = callsOf(session);
    expect(running).toMatchObject({
      isError: true,
      posts: 1,
      text: expect.stringContaining('was stopped before it ended'),
    });
    expect(unstarted).toMatchObject({ posts: 0 });
    expect(actsOf(w, session).filter(act => act.startsWith('stop'))).toEqual([]);
    // The lease lapses, and the queue offers it again.
    await eventually('what waited is run', () => callsOf(session).unstarted?.posts === 1);
    expect(actsOf(w, session)).toContain('requeued');
    expect(w.effects('begin behind')).toHaveLength(1);
    await settle(w, session);
  });

  it('rows 93, 95, 97: heartbeats that fail beyond the ttl lose it: it is not stopped, and what cannot be sent is given up', async context => {
    const { w } = await faulty(context, {}, { leaseTtlMs: 3_000 });
    const session = queued(w, [{ call: 'effect', input: { label: 'cut off', ms: 60_000 } }]);
    await w.effect('begin cut off');
    const [run] = await runs(w, session);
    environmentOf(w).setFaults({
      fail: [
        { route: 'work_heartbeat', status: 503, times: 1_000 },
        { route: 'work_poll', status: 503, times: 1_000 },
      ],
    });
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    const lost = await w.client.workflow.getHandle(session.id, run).result();
    expect(lost).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('no heartbeat has succeeded for 3 s'),
    });
    expect(actsOf(w, session).filter(act => act.startsWith('stop'))).toEqual([]);
    const sends = () => requestsOf(w, session).filter(({ route }) => route === 'send').length;
    const tried = sends();
    expect(tried).toBeGreaterThan(0);
    environmentOf(w).clearFaults();
    await settle(w, session);
    expect(sends()).toBe(tried);
  });

  it.for([false, true])(
    'row 91: W-4, W-18: a control-plane stop (forced: %s) settles what is open, and then stops the item by force',
    async (force, context) => {
      const { w } = await faulty(context, {}, { leaseTtlMs: 4_000 });
      const session = queued(w, threeCalls('stopped'));
      await w.effect('begin stopped');
      const { id } = await inState(w, session, 'active');
      environmentOf(w).stop(id, force);
      await eventually('the run knows', async () => (await w.status(session.id)).state === 'stopping');
      w.note('go stopped');
      expect(await endOf(w, session)).toMatchObject({
        state: 'stopped',
        reason: expect.stringContaining('the control plane says that it is stop'),
      });
      const { running, unstarted, held } = callsOf(session);
      // What ran ended by itself, and what it came to is posted.
      expect(running).toMatchObject({ isError: false, posts: 1, text: 'stopped saw go stopped' });
      expect(unstarted).toMatchObject({
        isError: true,
        posts: 1,
        text: 'This alone call was not started: the session was stopped. It had no effect.',
      });
      expect(held).toMatchObject({ posts: 0, refused: 0 });
      const routes = requestsOf(w, session).map(({ route }) => route);
      expect(routes.lastIndexOf('send')).toBeLessThan(routes.indexOf('work_stop'));
      expect(routes.filter(route => route === 'work_stop')).toHaveLength(1);
      expect(actsOf(w, session).at(-1)).toBe(force ? 'stop:409' : 'stopped');
      await settle(w, session);
    },
  );

  it('a person’s stop answers what has not started, leaves what is held, and stops the item', async context => {
    const { w } = await faulty(context, {});
    const session = queued(w, threeCalls('by hand'));
    await w.effect('begin by hand');
    const { code } = await w.run(['stop', session.id, '--now']).exit;
    expect(code).toBe(0);
    const { running, unstarted, held } = callsOf(session);
    expect(running).toMatchObject({ posts: 1, text: expect.stringContaining('was stopped before it ended') });
    expect(unstarted).toMatchObject({ posts: 1, text: expect.stringContaining('was not started') });
    expect(held).toMatchObject({ posts: 0 });
    expect(itemOf(w, session).state).toBe('stopped');
    await settle(w, session);
  });

  it('W-18: of a run that fails with a call open is released, not stopped, and the next run goes on with the call', async context => {
    const { w } = await faulty(context, {}, { leaseTtlMs: 4_000 });
    const session = queued(w, threeCalls('deaf'));
    await w.effect('begin deaf');
    const [run] = await runs(w, session);
    session.setFaults({ fail: [{ route: 'stream', status: 401, times: 1 }] });
    session.cutStreams();
    await expect(w.client.workflow.getHandle(session.id, run).result()).rejects.toThrow();
    expect(actsOf(w, session).filter(act => act.startsWith('stop'))).toEqual([]);
    await eventually('the queue has offered it again', () => actsOf(w, session).includes('requeued'));
    w.note('go deaf');
    await eventually('another run posts it', () => callsOf(session).running?.posts === 1);
    expect(w.effects('begin deaf')).toHaveLength(1);
    await settle(w, session);
  });

  it.for([401, 403])(
    'rows 92, 98: a heartbeat that is refused with %i ends the run at once, and the item is stopped, not lost',
    async (status, context) => {
      const { w } = await faulty(context, {
        fail: [{ route: 'work_heartbeat', status, times: 1 }],
      });
      const session = queued(w, 'manual');
      expect(await endOf(w, session)).toMatchObject({
        state: 'stopped',
        reason: expect.stringMatching(new RegExp(`refused: .* answered ${status}`)),
      });
      expect(actsOf(w, session)).toEqual(['queued', 'polled', 'acked', 'stop', 'stopped']);
      expect(w.said()).not.toContain('lost');
    },
  );

  it('answers to an ack, a heartbeat and a stop that are lost cost neither the item nor its lease', async context => {
    const { w } = await faulty(context, {
      answers: [
        { route: 'work_ack', how: 'cut' },
        { route: 'work_heartbeat', how: 'cut' },
        { route: 'work_stop', how: 'cut' },
      ],
    });
    const session = queued(w, [{ call: 'effect', input: { label: 'unheard', ms: 4_000 } }]);
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });
    expect(textsOf(session)).toEqual(['did unheard']);
    const acts = actsOf(w, session);
    expect(acts).toContain('beat:412');
    expect(acts).not.toContain('requeued');
    expect(acts.at(-1)).toBe('stop:409');
    expect((await recordOf(w, session)).at(-1)).toMatch(/stopped already$/);
  });
});

async function runs(w: World, session: SessionHandle): Promise<string[]> {
  return eventually(`${session.id} has a run`, async () => {
    const found: string[] = [];
    for await (const { runId, startTime } of w.client.workflow.list({
      query: `WorkflowId = '${session.id}'`,
    }))
      found.push(`${startTime.getTime()} ${runId}`);
    return found.length > 0 && found.sort().map(line => line.split(' ')[1] ?? '');
  });
}

/** Ends a session whatever is open in it. */
async function settle(w: World, session: SessionHandle): Promise<void> {
  session.emit([{ type: 'session.status_terminated' }]);
  await eventually(`no run of ${session.id} is under way`, async () => {
    const { status } = await w.client.workflow.getHandle(session.id).describe();
    return (
      status.name !== 'RUNNING' &&
      environmentOf(w)
        .workOf(session.id)
        .every(({ state }) => state === 'stopped')
    );
  });
}
