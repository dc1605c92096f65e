/** Several workers on one work queue, and what becomes of the items of one that is killed. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { textsOf } from './support/answers.ts';
import { endOf, environmentOf, oddActsOf, queued, withEnvironment } from './support/environment.ts';
import { eventually } from './support/eventually.ts';
import { type World, world } from './support/world.ts';

const FLAGS = ['worker', '--max-idle', '700ms'];
/** The API offers an item again that nobody has acknowledged for 5 s, which a busy machine may well take. */
const PATIENT = [...FLAGS, '--reclaim', '60s'];

function other(w: World): Readonly<Record<string, string>> {
  return { HOLDFAST_STATE_DIR: join(w.folder, 'other') };
}

/** How often each item was claimed. */
function claims(w: World): number[] {
  return environmentOf(w)
    .work()
    .map(({ history }) => history.filter(({ act }) => act === 'polled').length);
}

describe.concurrent('two workers on two state folders', () => {
  it('share a queue: each item is served once and its lease kept, and a killed worker’s go on with the other', async context => {
    const w = await world(
      context,
      withEnvironment({ leaseTtlMs: 30_000, env: { HOLDFAST_HOST_LOST: '6s' } }),
    );
    const one = await w.run(PATIENT).says('worker ready');
    await w.run(PATIENT, other(w)).says('worker ready');
    const quick = Array.from({ length: 8 }, (_, n) =>
      queued(w, [{ call: 'bash', input: { command: `echo ${n}` } }]),
    );
    for (const session of quick) await endOf(w, session);
    // A note may stand behind it: on a busy machine a host can be held for lost.
    expect(quick.flatMap(textsOf).map(text => text.split('\n')[0])).toEqual(quick.map((_, n) => `${n}`));
    expect(claims(w)).toEqual(quick.map(() => 1));
    expect(quick.flatMap(session => oddActsOf(w, session))).toEqual([]);

    // One that waits for its next turn, and one whose call the other host may take over.
    const later = async (agent: Agent) => {
      await agent.call('effect', { label: `${agent.sessionId} one`, ms: 1 });
      await agent.wait(3_000);
      await agent.call('effect', { label: `${agent.sessionId} two`, ms: 1 });
    };
    const long = [queued(w, later), queued(w, later)];
    for (const { id } of long) await w.effect(`end ${id} one`);
    await one.end('SIGKILL');
    for (const session of long) {
      expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });
      expect(textsOf(session)).toHaveLength(2);
      expect(w.effects(`begin ${session.id}`)).toHaveLength(2);
      // The heartbeat timeout is shorter than the lease: nobody else was ever offered it. A heartbeat that was
      // under way at the kill is known again by its 412.
      expect(oddActsOf(w, session).filter(act => act !== 'beat:412')).toEqual([]);
    }
    expect(claims(w)).toEqual([...quick, ...long].map(() => 1));
  });

  it('row 138: two of one host take each item once', async context => {
    const w = await world(context, withEnvironment());
    await Promise.all([1, 2].map(() => w.run(PATIENT).says('worker ready')));
    const sessions = Array.from({ length: 6 }, (_, n) =>
      queued(w, [{ call: 'bash', input: { command: `echo ${n}` } }]),
    );
    for (const session of sessions) await endOf(w, session);
    expect(sessions.flatMap(textsOf)).toEqual(sessions.map((_, n) => `${n}`));
    expect(claims(w)).toEqual(sessions.map(() => 1));
  });

  it('W-16: a worker that is killed between claim and ack loses nothing: the item is offered again', async context => {
    const w = await world(context, withEnvironment());
    environmentOf(w).setFaults({ answers: [{ route: 'work_ack', how: 'never', times: 1 }] });
    const one = await w.run(FLAGS).says('worker ready');
    const session = queued(w, [{ call: 'bash', input: { command: 'echo again' } }]);
    await eventually('the ack is under way', () =>
      w.emulator.requests().some(({ route }) => route === 'work_ack'),
    );
    await one.end('SIGKILL');
    await w.run(FLAGS, other(w)).says('worker ready');
    await endOf(w, session);
    expect(textsOf(session)).toEqual(['again']);
  });
});
