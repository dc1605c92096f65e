/** Sessions that outgrow one history: the next run takes over, and no call notices (§6, I11). */
import { describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { runIdsOf } from './support/history.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

describe.concurrent('continue-as-new', () => {
  it('in the middle of 40 serial calls and one long one: each runs once, all stand in the final line', async () => {
    const w = shared();
    const labels = Array.from({ length: 40 }, (_, i) => `s${i}`);
    const session = w.session(async agent => {
      const long = agent.call('meet', { label: 'long', others: ['s39'] });
      for (const label of labels) await agent.call('effect', { label, ms: 1 });
      await long;
    });
    await w.begin(session.id, { maxHistory: 150, maxIdleMs: 1_000 });
    const { code, line } = await w.start(session.id);

    expect(code).toBe(0);
    expect(line).toMatchObject({ state: 'done', reason: 'idle' });
    const ids = session.ledger().calls.map(({ id }) => id);
    expect(line?.calls.map(({ id }) => id)).toEqual(ids);
    expect(
      line?.calls.filter(call => !(call.state === 'settled' && call.posted && call.attempts === 1)),
    ).toEqual([]);
    expect(textsOf(session)).toEqual(['long met all', ...labels.map(label => `did ${label}`)]);
    expect(w.effects('begin s')).toEqual(labels.map(label => `begin ${label}`));
    expect(w.effects('begin long')).toHaveLength(1);

    const runs = await runIdsOf(w.client, session.id);
    expect(runs.length).toBeGreaterThan(2);
    // The long call was attached again in every run that it spans, under its own id.
    for (const runId of runs.slice(1, -1)) {
      const { activities } = await w.history(session.id, runId);
      expect(activities.filter(({ id }) => id === ids[0])).toMatchObject([{ type: 'runTool' }]);
    }
    for (const runId of runs) {
      const { events } = await w.history(session.id, runId);
      expect(events.length).toBeLessThan(300);
    }
  });

  it('waits for calls that are about to end: none of them is attached again', async () => {
    const w = shared();
    const session = w.session(async agent => {
      for (let i = 0; i < 12; i++)
        await agent.calls([
          { name: 'effect', input: { label: `brief${i}`, ms: 1 } },
          { name: 'effect', input: { label: `medium${i}`, ms: 300 } },
        ]);
    });
    // A busy machine may take its time: what is not attached again within ten seconds counts.
    const handle = await w.begin(session.id, { maxHistory: 60, lastCallsMs: 10_000, maxIdleMs: 500 });
    expect((await handle.result()).calls.filter(({ posted }) => !posted)).toEqual([]);
    const runs = await runIdsOf(w.client, session.id);
    expect(runs.length).toBeGreaterThan(2);
    const histories = await Promise.all(runs.map(runId => w.history(session.id, runId)));
    const attempts = histories.flatMap(({ activities }) =>
      activities.filter(({ type }) => type === 'runTool'),
    );
    expect(attempts.map(({ id }) => id).toSorted()).toEqual(
      session
        .ledger()
        .calls.map(({ id }) => id)
        .toSorted(),
    );
  });

  it('with results that cannot be posted yet, held calls and a large result: all of it travels', async () => {
    const w = shared();
    const session = w.session(async agent => {
      const held = agent.ask('bash', { command: 'echo allowed' });
      for (let i = 0; i < 12; i++) await agent.call('effect', { label: `c${i}`, ms: 1 });
      const last = agent.calls([
        { name: 'large', input: { bytes: 300_000 } },
        { name: 'effect', input: { label: 'last', ms: 1 } },
      ]);
      session.send({
        type: 'user.tool_confirmation',
        tool_use_id: session.ledger().calls[0]?.id,
        result: 'allow',
      });
      await Promise.all([held, last]);
    });
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 2 }] });
    const handle = await w.begin(session.id, { maxHistory: 80, maxIdleMs: 1_000 });
    const summary = await handle.result();
    expect(summary.calls).toHaveLength(15);
    expect(summary.calls.filter(call => !(call.posted && call.attempts === 1))).toEqual([]);
    expect(textsOf(session)[0]).toBe('allowed');
    expect((await runIdsOf(w.client, session.id)).length).toBeGreaterThan(1);
  });
});
