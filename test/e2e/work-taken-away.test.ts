/** Work items that are taken away, stopped or refused (behaviours.md §2.2): each test has its own queue. */
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import {
  actsOf,
  endOf,
  environmentOf,
  faulty,
  inState,
  itemOf,
  queued,
  recordOf,
  requestsOf,
  runs,
  settle,
} from './support/environment.ts';
import { eventually } from './support/eventually.ts';

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
