/** Results on their way to a server that fails: each is posted exactly once, and no tool runs again (§2.5, §2.6, I5). */
import { describe, expect, it } from 'vitest';
import type { Faults } from '../../src/emulator/faults.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld, world } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

/** Two calls one after the other, under faults that are set before the first; `meanwhile` may change them. */
async function serve(
  name: string,
  faults: Faults,
  meanwhile?: (session: SessionHandle) => Promise<void>,
): Promise<SessionHandle> {
  const w = shared();
  const labels = [`${name} 1`, `${name} 2`];
  const session = w.session(labels.map(label => ({ call: 'effect', input: { label, ms: 1 } })));
  session.setFaults(faults);
  const handle = await w.begin(session.id);
  await meanwhile?.(session);
  const { calls, state } = await handle.result();
  expect(state).toBe('done');
  expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual(
    labels.map(() => ['settled', true, 1]),
  );
  expect(textsOf(session)).toEqual(labels.map(label => `did ${label}`));
  expect(w.effects(`begin ${name}`)).toEqual(labels.map(label => `begin ${label}`));
  return session;
}

/** Requests that sent results of this session, oldest first. */
function sends(session: SessionHandle) {
  return shared()
    .emulator.requests()
    .filter(({ route, session_id }) => route === 'send' && session_id === session.id);
}

describe.concurrent('each result is posted once and its tool runs once', () => {
  it('W-8: when the server stored it and the response was lost: it reads back instead of posting again', async () => {
    const session = await serve('lost-response', { lose_responses: 2 });
    // The second request of each is the one whose refusal led to the read back, if there was one at all.
    expect(answersOf(session).map(({ refused }) => refused <= 1)).toEqual([true, true]);
  });

  it('when the request was lost on the way', async () => {
    await serve('lost-request', { lose_requests: 3 });
  });

  it('when the server answers 5xx for a while', async () => {
    const session = await serve('5xx', { fail: [{ route: 'send', status: 503, times: 4 }] });
    expect(sends(session).map(({ status }) => status)).toEqual([503, 503, 503, 503, 200, 200]);
  });

  it('when the server answers 429: not before the time that it named', async () => {
    const fault = { route: 'send', status: 429, times: 1, retry_after: 2 } as const;
    const session = await serve('429', { fail: [fault] });
    const [refused, taken] = sends(session);
    expect([refused?.status, taken?.status]).toEqual([429, 200]);
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(2_000);
  });

  it('W-6: when the call is not committed yet (400): it is tried again until it is', async () => {
    const session = await serve('race', { commit_race_ms: 600_000 }, async racing => {
      await eventually('it was refused twice', () => (answersOf(racing)[0]?.refused ?? 0) >= 2);
      racing.clearFaults();
    });
    expect(answersOf(session).map(({ posts }) => posts)).toEqual([1, 1]);
  });

  it('when the call is not even listed yet', async () => {
    await serve('hidden', { commit_race_ms: 1_500, commit_race_hides: true });
  });

  it('when another client was faster: ours is not taken, and the call is settled as theirs (§2.6)', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'faster', ms: 1 } }]);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    const handle = await w.begin(session.id, { maxIdleMs: 200 });
    await eventually('ours was tried', () => sends(session).length > 0);
    session.send({
      type: 'user.custom_tool_result',
      custom_tool_use_id: answersOf(session)[0]?.id,
      content: [{ type: 'text', text: 'theirs' }],
    });
    // The turn is over and the call answered, but whose answer it is is not known: the run does not end yet.
    await session.wait('idle');
    const tried = sends(session).length;
    await eventually('ours is tried again and again', () => sends(session).length >= tried + 3);
    session.clearFaults();
    const { calls } = await handle.result();
    expect(calls).toMatchObject([{ state: 'settled', posted: false, attempts: 1 }]);
    expect(answersOf(session)).toMatchObject([{ text: 'theirs', posts: 1 }]);
    expect(w.effects('begin faster')).toHaveLength(1);
  });

  it('when they are too large for the history: they are posted from their host, once', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([
        { name: 'large', input: { bytes: 400_000 } },
        { name: 'large', input: { bytes: 300_000 } },
        { name: 'effect', input: { label: 'small', ms: 1 } },
      ]),
    );
    session.setFaults({ lose_responses: 1, fail: [{ route: 'send', status: 500, times: 1 }] });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ posted, attempts, isError }) => [posted, attempts, isError])).toEqual([
      [true, 1, false],
      [true, 1, false],
      [true, 1, false],
    ]);
    expect(textsOf(session).map(({ length }) => length)).toEqual([400_000, 300_000, 'did small'.length]);
    const { activities, events } = await w.history(session.id);
    expect(activities.filter(({ type }) => type === 'postStored').map(({ queue }) => queue)).toEqual([
      expect.stringMatching(/^control@/),
      expect.stringMatching(/^control@/),
    ]);
    // Neither of them is in the history.
    expect(JSON.stringify(events).length).toBeLessThan(300_000);
  });
});

describe.concurrent('an API that is down', () => {
  it('for a while, with results waiting: all are posted once when it is back', async context => {
    const w = await world(context);
    await w.worker();
    const labels = ['d1', 'd2', 'd3', 'd4'];
    const session = w.session(agent =>
      agent.calls(labels.map(label => ({ name: 'meet', input: { label, others: ['api-down'] } }))),
    );
    const handle = await w.begin(session.id);
    await Promise.all(labels.map(label => w.effect(`begin ${label}`)));
    await w.emulator.goDown();
    w.note('begin api-down');
    await eventually('the outcomes are durable', async () =>
      (await w.calls(session.id)).every(({ state }) => state === 'finished'),
    );
    await w.emulator.comeUp();
    const { calls } = await handle.result();
    expect(calls.map(({ posted, attempts }) => [posted, attempts])).toEqual(labels.map(() => [true, 1]));
    expect(textsOf(session)).toEqual(labels.map(label => `${label} met all`));
    expect(w.effects('begin d')).toHaveLength(4);
  });
});
