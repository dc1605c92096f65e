/** Rows 14, 18, 40, 61, 62, 65 and 66 of behaviours.md §2.1: what the API refuses, and tools that take too long. */
import { defaultPayloadConverter } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { PLAIN_ERROR } from '../../src/anthropic/read-back.ts';
import { DEFAULT_LIMITS } from '../../src/tool-host/limits.ts';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { endTurn, idle, ledgerOf, quietSession, ROWS_TOOLS, sends, stopNow } from './support/rows.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url, { tools: ROWS_TOOLS });

describe.concurrent('a post that fails', () => {
  // The SDK drops a result at the first 4xx, and the session then waits for ever (W-6). We look whether it landed
  // after all, tell the agent in plain words, and call it refused only when that is refused too. (A 400 may pass
  // and is tried for 60 s before that: test/anthropic/post.test.ts. A 413 never does.)
  it('row 14: W-25: a result that the API will never take is read back, told as one plain error, and then refused', async () => {
    const w = shared();
    const session = quietSession(w);
    session.setFaults({ fail: [{ route: 'send', status: 413, times: 100 }] });
    await w.begin(session.id);
    void session.agent.call('effect', { label: 'row-14', ms: 1 });
    const call = async () => (await w.calls(session.id).catch(() => []))[0];
    await eventually('the result is given up', async () => (await call())?.state === 'settled');

    expect(await call()).toMatchObject({
      posted: false,
      attempts: 1,
      why: expect.stringMatching(/^refused: 413 /),
    });
    const { accepted, refused } = ledgerOf(session, 'effect');
    expect(accepted).toEqual([]);
    expect(refused.map(({ event }) => event)).toMatchObject([
      { is_error: false, content: [{ text: 'did row-14' }] },
      { is_error: true, content: [{ text: expect.stringContaining(PLAIN_ERROR) }] },
    ]);
    const routes = w.emulator.requests().filter(({ session_id }) => session_id === session.id);
    const [first, second] = routes.flatMap(({ route }, i) => (route === 'send' ? [i] : []));
    const between = routes.slice((first ?? 0) + 1, second).filter(({ route }) => route === 'list');
    expect(between.some(({ path }) => decodeURIComponent(path).includes('user.custom_tool_result'))).toBe(
      true,
    );
    expect(w.effects('begin row-14')).toHaveLength(1);
    await stopNow(w, session);
  });

  it('row 14: a session that is gone when its result comes gets one post, and the call is void', async () => {
    const w = shared();
    const session = quietSession(w);
    session.setFaults({ fail: [{ route: 'send', status: 404, times: 100 }] });
    await w.begin(session.id);
    void session.agent.call('effect', { label: 'gone row-14', ms: 1 });
    const call = async () => (await w.calls(session.id).catch(() => []))[0];
    await eventually('the call is over', async () => (await call())?.state === 'void');

    expect(await call()).toMatchObject({ posted: false, attempts: 1, why: expect.stringContaining('gone') });
    expect(sends(w, session)).toEqual([404]);
    await stopNow(w, session);
  });

  // Python gives a result up after three sends. An outcome of ours is durable, so it is posted until it lands.
  it('row 18: three failed sends are followed by a fourth, and the tool runs once', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'row-18', ms: 1 } }]);
    session.setFaults({ fail: [{ route: 'send', status: 500, times: 3 }] });
    const summary = await (await w.begin(session.id)).result();

    expect(sends(w, session)).toEqual([500, 500, 500, 200]);
    expect(summary.calls).toMatchObject([{ state: 'settled', posted: true, isError: false, attempts: 1 }]);
    expect(answersOf(session)).toMatchObject([{ text: 'did row-18', posts: 1, refused: 3 }]);
    expect(w.effects('begin row-18')).toHaveLength(1);
  });

  // The SDK forgets the result and runs the tool again (W-5). Here what is seen from the API is the same, a refused
  // post and then one that lands, and the tool has run once (I5).
  it('row 40: W-5: a result whose post was refused is posted again after a reconnect, without running its tool again', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'row-40', ms: 1 } }]);
    session.setFaults({ fail: [{ route: 'send', status: 400, times: 2 }] });
    const handle = await w.begin(session.id);
    await eventually('a post is refused', () => sends(w, session).length > 0);
    session.cutStreams();
    const summary = await handle.result();

    expect(sends(w, session)).toEqual([400, 400, 200]);
    expect(w.effects('begin row-40')).toHaveLength(1);
    expect(answersOf(session)).toMatchObject([{ text: 'did row-40', isError: false, posts: 1, refused: 2 }]);
    expect(summary.calls).toMatchObject([{ state: 'settled', posted: true, attempts: 1 }]);
  });
});

describe.concurrent('a stream or list that fails', () => {
  // The SDK's iterator ends; a run of ours fails in the open, with the reason and exit code 1 (design §9).
  it('row 65: a 401 on connect fails the run, after one connect', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'row-65', ms: 1 } }]);
    session.setFaults({ fail: [{ route: 'stream', status: 401, times: 100 }] });
    const { code, line, stderr } = await w.start(session.id);

    expect(code).toBe(1);
    expect(line).toMatchObject({ state: 'failed', reason: expect.stringContaining('401'), calls: [] });
    expect(stderr).toContain('401');
    const connects = w.emulator.requests().filter(r => r.route === 'stream' && r.session_id === session.id);
    expect(connects.map(({ status }) => status)).toEqual([401]);
    expect(w.effects('begin row-65')).toEqual([]);
  });

  it('row 66: of a history that fails half-way nothing is run: the answer of a call may stand on a later page', async () => {
    const w = shared();
    const session = quietSession(w, [
      {
        type: 'agent.custom_tool_use',
        id: 'sevt_answered',
        name: 'effect',
        input: { label: 'row-66 old', ms: 1 },
      },
      { type: 'user.custom_tool_result', custom_tool_use_id: 'sevt_answered', content: [] },
      {
        type: 'agent.custom_tool_use',
        id: 'sevt_open',
        name: 'effect',
        input: { label: 'row-66 new', ms: 1 },
      },
    ]);
    session.setFaults({ list: { max_page_size: 1, fail_page: 2, times: 2 } });
    const handle = await w.begin(session.id);
    await eventually('the open call is answered', () => answersOf(session)[1]?.posts === 1);
    session.emit([idle]);
    await handle.result();

    const lists = w.emulator.requests().filter(r => r.route === 'list' && r.session_id === session.id);
    expect(lists.filter(({ status }) => status === 500)).toHaveLength(2);
    expect(w.effects('begin row-66')).toEqual(['begin row-66 new']);
  });
});

describe.concurrent('a tool that takes too long', () => {
  it('row 61: W-9: is ended at its time limit and answered by an error that says so, whether it heeds its signal or not', async () => {
    const w = shared();
    const session = w.session([{ calls: [{ call: 'patient' }, { call: 'stubborn' }] }]);
    const summary = await (await w.begin(session.id)).result();

    expect(answersOf(session)).toMatchObject([
      {
        name: 'patient',
        isError: true,
        posts: 1,
        text: 'Error: patient timed out after 300 ms and was ended',
      },
      {
        name: 'stubborn',
        isError: true,
        posts: 1,
        text: 'Error: stubborn timed out after 300 ms and was ended',
      },
    ]);
    expect(summary.calls).toMatchObject([
      { posted: true, isError: true },
      { posted: true, isError: true },
    ]);
  });

  it('row 62: W-10: bash is always first to tell of its own time limit: the runner, then Temporal, have more time', async () => {
    const w = shared();
    const session = quietSession(w);
    const handle = await w.begin(session.id);
    const plain = await session.agent.call('bash', { command: 'echo quick' });
    const long = await session.agent.call('bash', { command: 'echo slow', timeout_ms: 200_000 });
    const cut = await session.agent.call('bash', { command: 'sleep 60', timeout_ms: 300 });
    endTurn(session);
    await handle.result();

    expect(cut).toMatchObject({ is_error: true, text: 'bash: bash command timed out after 300ms' });
    const { activities, events } = await w.history(session.id);
    const limits = new Map(
      events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
        const [payload] = scheduled?.input?.payloads ?? [];
        if (scheduled?.activityType?.name !== 'runTool' || payload === undefined) return [];
        const { call } = defaultPayloadConverter.fromPayload<{ call: { id: string; timeoutMs: number } }>(
          payload,
        );
        return [[call.id, call.timeoutMs] as const];
      }),
    );
    for (const [{ id }, bashMs] of [
      [plain, DEFAULT_LIMITS.bashTimeoutMs],
      [long, 200_000],
      [cut, 300],
    ] as const) {
      const toolMs = limits.get(id) ?? 0;
      expect(toolMs).toBeGreaterThan(bashMs);
      expect(activities.find(activity => activity.id === id)?.startToCloseMs).toBeGreaterThan(toolMs);
    }
  });
});
