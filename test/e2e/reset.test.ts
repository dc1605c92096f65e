/** Terminate and Reset, as a person does them in the Temporal UI: the journal and the API say what was done (I4, I5). */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf } from './support/answers.ts';
import { type CrashWorld, crashWorld } from './support/crash.ts';
import { eventually } from './support/eventually.ts';
import { type World, world } from './support/world.ts';

let made: CrashWorld | undefined;
const shared = (): CrashWorld => {
  if (made === undefined) throw new Error('the world is made before the first test');
  return made;
};
beforeAll(async () => {
  made = await crashWorld(import.meta.url);
  await made.w.worker();
});
afterAll(() => made?.w.end());

type Where = 'first' | 'last' | 'looked-up';

/** Resets the newest run to its first or last completed workflow task, or to that which follows `openSession`. */
async function reset(w: World, id: string, where: Where): Promise<void> {
  const { client } = w;
  const handle = client.workflow.getHandle(id);
  const { runId } = await handle.describe();
  const { events } = await w.history(id, runId);
  const tasks = events.filter(event => event.workflowTaskCompletedEventAttributes);
  const answer = events.findIndex(event => event.activityTaskCompletedEventAttributes);
  const task = {
    first: tasks[0],
    last: tasks.at(-1),
    'looked-up': tasks.find(t => events.indexOf(t) > answer),
  }[where];
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: id, runId },
    workflowTaskFinishEventId: task?.eventId ?? null,
    reason: 'by hand',
    requestId: randomUUID(),
  });
}

/** Each call answered by exactly one post, as done, having run once. */
function expectEachOnce(w: World, session: SessionHandle, labels: readonly string[]): void {
  const answers = answersOf(session).map(({ posts, isError, closedBy }) => ({ posts, isError, closedBy }));
  expect(answers).toEqual(labels.map(() => ({ posts: 1, isError: false, closedBy: 'result' })));
  for (const label of labels) expect(w.effects().filter(line => line === `begin ${label}`)).toHaveLength(1);
}

describe.concurrent('a run that is terminated in the Temporal UI', () => {
  it('before a finished call is posted: the next run posts it, and nothing runs again', async () => {
    const { w, points } = shared();
    const session = w.session([{ call: 'effect', input: { label: 't1', ms: 1 } }]);
    points.arm('post.unsent', session.id);
    const handle = await w.begin(session.id);
    await points.held('post.unsent', session.id);
    await handle.terminate('by hand');
    const next = await w.begin(session.id);
    expect((await next.result()).calls).toMatchObject([{ state: 'settled', posted: true }]);
    // The post of the run before comes too late, if at all.
    points.release('post.unsent', session.id);
    expectEachOnce(w, session, ['t1']);
  });
});

describe.concurrent('a run that is reset in the Temporal UI', () => {
  for (const where of ['first', 'last'] as const) {
    it(`to its ${where} task while a tool runs: the tool does not notice, and its result is posted once`, async () => {
      const { w } = shared();
      const label = `r1.${where}`;
      const session = w.session(async agent => {
        await agent.call('effect', { label: `${label}.before`, ms: 1 });
        await agent.call('meet', { label, others: [`go-${label}`] });
        await agent.call('effect', { label: `${label}.after`, ms: 1 });
      });
      await w.begin(session.id);
      await w.effect(`begin ${label}`);
      await reset(w, session.id, where);
      await eventually('the call is attached again', async () =>
        (await w.calls(session.id).catch(() => [])).some(({ state }) => state === 'running'),
      );
      w.note(`begin go-${label}`);
      const summary = await w.client.workflow.getHandle(session.id).result();
      expect(summary).toMatchObject({ state: 'done' });
      expectEachOnce(w, session, [`${label}.before`, label, `${label}.after`]);
    });

    it(`to its ${where} task before a finished call is posted: it is posted once, and nothing runs again`, async () => {
      const { w, points } = shared();
      const label = `r2.${where}`;
      const session = w.session(async agent => {
        await agent.call('effect', { label: `${label}.before`, ms: 1 });
        points.arm('post.unsent', session.id);
        await agent.call('effect', { label, ms: 1 });
        await agent.call('effect', { label: `${label}.after`, ms: 1 });
      });
      await w.begin(session.id);
      await points.held('post.unsent', session.id);
      await reset(w, session.id, where);
      points.release('post.unsent', session.id);
      const summary = await w.client.workflow.getHandle(session.id).result();
      expect(summary).toMatchObject({ state: 'done' });
      expectEachOnce(w, session, [`${label}.before`, label, `${label}.after`]);
    });
  }

  it('to its first task after many leases of its listener: it hears what comes then', async () => {
    const { w } = shared();
    const session = w.session(async agent => {
      for (let i = 0; i < 8; i++) await agent.call('effect', { label: `r3.${i}`, ms: 1 });
      await agent.call('meet', { label: 'r3', others: ['go-r3'] });
      await agent.call('effect', { label: 'r3.after', ms: 1 });
    });
    await w.begin(session.id, { leaseEvents: 3 });
    await w.effect('begin r3');
    await reset(w, session.id, 'first');
    w.note('begin go-r3');
    expect(await w.client.workflow.getHandle(session.id).result()).toMatchObject({ state: 'done' });
    expectEachOnce(w, session, [...[0, 1, 2, 3, 4, 5, 6, 7].map(i => `r3.${i}`), 'r3', 'r3.after']);
  });

  it('to its first task after its stream was cut again and again: it hears what comes then', async () => {
    const { w, points } = shared();
    const session = w.session(async agent => {
      await agent.call('meet', { label: 'r6', others: ['go-r6'] });
      await agent.call('effect', { label: 'r6.after', ms: 1 });
    });
    await w.begin(session.id);
    await w.effect('begin r6');
    for (const attempt of [2, 3]) {
      session.cutStreams();
      await eventually(`the listener is in its attempt ${attempt}`, async () => {
        const { signals } = await w.history(session.id);
        return signals.some(({ args }) => (args[0] as { attempt?: number }).attempt === attempt);
      });
    }
    points.arm('signal.sent', session.id);
    await reset(w, session.id, 'first');
    // The new run's listener has spoken, and that of the run before is gone.
    await points.held('signal.sent', session.id);
    points.release('signal.sent', session.id);
    await eventually('one stream is left', () => session.info().streams === 1);
    w.note('begin go-r6');
    expect(await w.client.workflow.getHandle(session.id).result()).toMatchObject({ state: 'done' });
    expectEachOnce(w, session, ['r6', 'r6.after']);
  });

  it('to a task before its workspace was opened, while only another host is up: it waits for its own', async context => {
    const w = await world(context);
    const here = await w.worker();
    const session = w.session([{ call: 'meet', input: { label: 'a', others: ['go'] } }]);
    await w.begin(session.id);
    await w.effect('begin a');
    await here.end('SIGTERM');
    await w.run(['worker'], { HOLDFAST_STATE_DIR: join(w.folder, 'other') }).says('worker ready');
    await reset(w, session.id, 'looked-up');
    await eventually('the run knows where its workspace is', async () =>
      (await w.status(session.id).catch(() => undefined))?.record.some(({ what }) =>
        what.includes('was reset'),
      ),
    );
    await w.worker();
    w.note('begin go');
    expect(await w.client.workflow.getHandle(session.id).result()).toMatchObject({ state: 'done' });
    expectEachOnce(w, session, ['a']);
  });

  it('to its first task after it has ended: nothing is posted and nothing runs again', async () => {
    const { w } = shared();
    const session = w.session([
      { call: 'effect', input: { label: 'r4', ms: 1 } },
      { call: 'effect', input: { label: 'r5', ms: 1 } },
    ]);
    await (await w.begin(session.id)).result();
    await reset(w, session.id, 'first');
    expect(await w.client.workflow.getHandle(session.id).result()).toMatchObject({ state: 'done' });
    expectEachOnce(w, session, ['r4', 'r5']);
  });
});

describe.concurrent('a run that follows another', () => {
  it('hears all, also when the listener of the run before speaks up once more', async () => {
    const { w } = shared();
    const session = w.session(async agent => {
      await agent.call('effect', { label: 'n1', ms: 1 });
      session.cutStreams();
      await session.wait('streaming');
      await agent.call('effect', { label: 'n2', ms: 1 });
      await agent.idle();
      await agent.call('effect', { label: 'n3', ms: 1 });
      await eventually('one stream is left', () => session.info().streams === 1);
      await agent.call('effect', { label: 'n4', ms: 1 });
    });
    await (await w.begin(session.id, { maxIdleMs: 200 })).result();
    session.sendMessage('again');
    expect(await (await w.begin(session.id)).result()).toMatchObject({ state: 'done' });
    expectEachOnce(w, session, ['n1', 'n2', 'n3', 'n4']);
  });
});
