/** Rows 3, 5–7, 10, 11, 21, 28 and 29 of behaviours.md §2.1: whose calls we answer, and when a run ends. */
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { stopUpdate } from '../../src/workflows/messages.ts';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { endTurn, expectNoCountdown, idle, quietSession, ROWS_TOOLS } from './support/rows.ts';
import { sharedWorld, type World } from './support/world.ts';

const shared = sharedWorld(import.meta.url, { tools: ROWS_TOOLS });
const MAX_IDLE_MS = 300;

/** A call of a builtin tool that is not ours, which a person must allow. */
const foreign: NewEvent = {
  type: 'agent.tool_use',
  id: 'sevt_foreign',
  name: 'web_search',
  input: { query: 'weather' },
  evaluated_permission: 'ask',
};
const approval: NewEvent = { type: 'user.tool_confirmation', tool_use_id: 'sevt_foreign', result: 'allow' };

describe.concurrent('calls that nobody here serves', () => {
  it('row 3: unowned builtin and custom calls stay with their owners, and an owned one beside them runs', async () => {
    const w = shared();
    const session = quietSession(w);
    const handle = await w.begin(session.id, { maxIdleMs: MAX_IDLE_MS });
    const closed = session.agent.calls([
      { name: 'web_search', input: { query: 'weather' } },
      { name: 'book_flight', input: {} },
      { name: 'effect', input: { label: 'row-3', ms: 1 } },
    ]);
    const seen = async () =>
      (await w.calls(session.id).catch(() => [])).map(({ name, state }) => [name, state]);
    await eventually('the owned call is settled', async () => (await seen())[2]?.[1] === 'settled');
    expect(await seen()).toEqual([
      ['web_search', 'unowned'],
      ['book_flight', 'unowned'],
      ['effect', 'settled'],
    ]);
    expect(answersOf(session).map(({ posts, refused }) => [posts, refused])).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
    ]);
    // Their owners take them, and the session goes on.
    const [search, book] = answersOf(session);
    session.send(
      { type: 'user.tool_result', tool_use_id: search?.id, content: [] },
      { type: 'user.custom_tool_result', custom_tool_use_id: book?.id, content: [] },
    );
    await closed;
    endTurn(session);
    const summary = await handle.result();

    expect(summary).toMatchObject({ state: 'done', reason: 'idle' });
    expect(summary.calls).toMatchObject([
      { name: 'web_search', state: 'unowned', isError: false, posted: false, attempts: 0 },
      { name: 'book_flight', state: 'unowned', isError: false, posted: false, attempts: 0 },
      { name: 'effect', state: 'settled', isError: false, posted: true, attempts: 1 },
    ]);
  });

  it('row 5: an unowned open call in the history keeps the run alive beyond its idle time', async () => {
    const { evaluated_permission: _, ...allowed } = foreign;
    await expectAlive(quietSession(shared(), [allowed, idle]));
  });

  it('row 6: so does one that a person has approved, as the history shows', async () => {
    await expectAlive(quietSession(shared(), [foreign, idle, approval]));
  });

  it('row 7: so does one that a person approves while the run waits', async () => {
    const session = quietSession(shared(), [foreign, idle]);
    await expectAlive(session, async () => {
      session.emit([approval]);
      await eventually('the approval is heard', async () => {
        const { signals } = await shared().history(session.id);
        return JSON.stringify(signals).includes('user.tool_confirmation');
      });
    });
  });
});

describe.concurrent('the end of a run', () => {
  it('row 10: a terminated session ends its run at once, without a call', async () => {
    const w = shared();
    const session = quietSession(w);
    const handle = await w.begin(session.id, { maxIdleMs: 0 });
    await w.listening(session.id);
    session.agent.terminate();
    expect(await handle.result()).toMatchObject({ state: 'done', reason: 'terminated', calls: [] });
  });

  // The SDK closes its tools when its iterator ends, also by `break`; a run of ours ends idle, with its session,
  // or by a person's stop.
  describe.concurrent.each<[string, (w: World, session: SessionHandle) => Promise<unknown>]>([
    ['idle', async (_, session) => endTurn(session)],
    ['with its session', async (_, session) => session.agent.terminate()],
    [
      'by a person',
      (w, { id }) =>
        w.client.workflow
          .getHandle(id)
          .executeUpdate(stopUpdate, { args: [{ graceMs: 0, reason: 'that is enough' }] }),
    ],
  ])('ending %s', (how, end) => {
    it('row 11: a tool that was used twice is closed once', async () => {
      const w = shared();
      const label = `row-11 ${how}`;
      const session = quietSession(w);
      const handle = await w.begin(session.id, { maxIdleMs: MAX_IDLE_MS });
      await session.agent.call('closing', { label });
      await session.agent.call('closing', { label });
      expect(w.effects(`closed ${label}`)).toEqual([]);
      await end(w, session);
      await handle.result();

      expect(w.effects(`used ${label}`)).toHaveLength(2);
      expect(w.effects(`closed ${label}`)).toHaveLength(1);
    });
  });

  it('row 21: silence after an end_turn idle ends the run after its idle time', async () => {
    const w = shared();
    const session = quietSession(w);
    await session.agent.say('I am done');
    const handle = await w.begin(session.id, { maxIdleMs: MAX_IDLE_MS });
    await w.listening(session.id);
    endTurn(session);
    expect(await handle.result()).toMatchObject({ state: 'done', reason: 'idle', calls: [] });
    const [countdown] = (await w.history(session.id)).countdowns;
    expect(countdown?.summary).toBe('waiting 300 ms for the next turn');
    expect(countdown?.ms).toBeLessThanOrEqual(MAX_IDLE_MS);
  });

  it('row 28: without an idle nothing counts down, and only the end of the session ends the run', async () => {
    const w = shared();
    const session = quietSession(w);
    await session.agent.say('I am thinking');
    const handle = await w.begin(session.id, { maxIdleMs: MAX_IDLE_MS });
    await w.listening(session.id);
    await expectNoCountdown(w, session, MAX_IDLE_MS);
    session.agent.terminate();
    expect(await handle.result()).toMatchObject({ state: 'done', reason: 'terminated' });
  });

  it('row 29: a call after an idle is served to its end, longer than the idle time that ran', async () => {
    const w = shared();
    const session = quietSession(w);
    await session.agent.say('I am done');
    const handle = await w.begin(session.id, { maxIdleMs: 4_000 });
    await w.listening(session.id);
    endTurn(session);
    await eventually('the countdown runs', async () => (await w.history(session.id)).countdowns.length === 1);
    const result = await session.agent.call('effect', { label: 'row-29', ms: 5_000 });
    session.agent.terminate();
    const summary = await handle.result();

    expect(result).toMatchObject({ text: 'did row-29', closed_by: 'result' });
    expect(summary.calls).toMatchObject([{ name: 'effect', state: 'settled', posted: true, attempts: 1 }]);
  });
});

/** @param live what happens once the session is listened to. */
async function expectAlive(
  session: SessionHandle,
  live: () => Promise<void> = async () => {},
): Promise<void> {
  const w = shared();
  const handle = await w.begin(session.id, { maxIdleMs: MAX_IDLE_MS });
  await w.listening(session.id);
  await live();
  await expectNoCountdown(w, session, MAX_IDLE_MS);
  expect(await w.calls(session.id)).toMatchObject([{ name: 'web_search', state: 'unowned', posted: false }]);
  // Its owner answers, and the next idle ends the run.
  session.send({ type: 'user.tool_result', tool_use_id: 'sevt_foreign', content: [] });
  session.emit([{ type: 'session.status_running' }, idle]);
  expect(await handle.result()).toMatchObject({ state: 'done', reason: 'idle' });
  expect(answersOf(session)).toMatchObject([{ posts: 1, refused: 0 }]);
}
