import { describe, expect, it, type TestContext } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { adoptWork } from '../../src/intake/adopt.ts';
import { keyOf, parseKey } from '../../src/key-ring.ts';
import { createSealing } from '../../src/sealing.ts';
import { RawWorker, tokenOf } from '../emulator/work-support.ts';
import { textsOf } from './support/answers.ts';
import {
  actsOf,
  ENVIRONMENT,
  ENVIRONMENT_KEY,
  endOf,
  environmentOf,
  itemOf,
  KEY,
  oddActsOf,
  queued,
  withEnvironment,
} from './support/environment.ts';
import { runIdsOf } from './support/history.ts';
import { world } from './support/world.ts';

/** A claimed item of a session, given to a run with these limits; the worker itself polls nothing. */
async function adopted(context: TestContext, script: (agent: Agent) => Promise<void>, options: object) {
  const w = await world(
    context,
    withEnvironment({ leaseTtlMs: 10_000, env: { ANTHROPIC_ENVIRONMENT_ID: undefined } }),
  );
  await w.worker();
  const session = queued(w, script);
  const adopt = async () => {
    const { id, secret } = await new RawWorker(w.emulator, environmentOf(w), 'raw').claim();
    const sealedToken = createSealing(keyOf(parseKey(KEY))).seal(tokenOf(secret), session.id);
    const work = {
      environmentId: ENVIRONMENT,
      workId: id,
      claim: `claim of ${id} ${Math.random()}`,
      sealedToken,
    };
    return adoptWork(w.client, session.id, work, { maxIdleMs: 700, ...options });
  };
  return { w, session, adopt };
}

describe.concurrent('a lease', () => {
  it('goes on through continue-as-new, one chain of heartbeats', async context => {
    const { w, session, adopt } = await adopted(
      context,
      async agent => {
        for (let n = 0; n < 12; n++) {
          await agent.call('effect', { label: `turn ${n}`, ms: 1 });
          await agent.wait(700);
        }
      },
      { maxHistory: 60 },
    );
    expect(await adopt()).toMatchObject({ kind: 'adopted' });
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });
    expect((await runIdsOf(w.client, session.id)).length).toBeGreaterThan(1);
    expect(oddActsOf(w, session)).toEqual([]);
    expect(actsOf(w, session).at(-1)).toBe('stopped');
    expect(w.effects('begin')).toHaveLength(12);
  });

  it('of an item that the queue offers again, because nobody beat in time, is taken up by the run that has it', async context => {
    const { w, session, adopt } = await adopted(
      context,
      async agent => {
        await agent.call('effect', { label: 'through', ms: 6_000 });
      },
      {},
    );
    await adopt();
    await w.effect('begin through');
    environmentOf(w).expire(itemOf(w, session).id);
    expect(await adopt()).toMatchObject({ kind: 'adopted' });
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });
    expect(textsOf(session)).toEqual(['did through']);
    expect(w.effects('begin through')).toHaveLength(1);
  });

  it('of a newer item replaces the older one’s', async context => {
    const { w, session, adopt } = await adopted(
      context,
      async agent => {
        await agent.call('effect', { label: 'both', ms: 3_000 });
      },
      {},
    );
    await adopt();
    await w.effect('begin both');
    const older = itemOf(w, session).id;
    environmentOf(w).enqueue({ sessionId: session.id });
    expect(await adopt()).toMatchObject({ kind: 'adopted' });
    expect(itemOf(w, session).id).not.toBe(older);
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });
    expect(textsOf(session)).toEqual(['did both']);
    expect(
      environmentOf(w)
        .workOf(session.id)
        .map(({ state }) => state),
    ).toEqual(['stopped', 'stopped']);
  });

  it('row 100: is kept while a tool blocks its whole thread', async context => {
    const { w, session, adopt } = await adopted(
      context,
      async agent => {
        await agent.call('loop-for-ever', {});
      },
      {},
    );
    await adopt();
    await endOf(w, session);
    expect(oddActsOf(w, session)).toEqual([]);
    expect(textsOf(session)[0]).toContain('timed out');
  });

  it('rows 127, 128: whose run is cancelled at once, or fails, is stopped all the same', async context => {
    const { w, session, adopt } = await adopted(context, async () => undefined, {});
    environmentOf(w).setKeys([ENVIRONMENT_KEY]);
    session.setFaults({ fail: [{ route: 'stream', status: 401, times: 100 }] });
    await adopt();
    await w.client.workflow
      .getHandle(session.id)
      .result()
      .catch(() => undefined);
    expect(itemOf(w, session).state).toBe('stopped');
    session.clearFaults();
    environmentOf(w).enqueue({ sessionId: session.id });
    await adopt();
    await w.client.workflow.getHandle(session.id).cancel();
    await expect(endOf(w, session)).rejects.toThrow('cancelled');
    await environmentOf(w).until(work => work.every(({ state }) => state === 'stopped'));
  });
});
