/**
 * What the rows assert of the SDK's runner is asserted of it here, against the emulator: where it passes, the
 * emulator behaves as the server that its authors had in mind. What it fails is one of the weaknesses, by number;
 * anything else would be a fault of the emulator. (Named so that none of it counts as a test of ours.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { control, until } from './sdk-runner.ts';

const use = (id: string, more: Record<string, unknown> = {}): NewEvent => ({
  type: 'agent.tool_use',
  id,
  name: 'lookup',
  input: { key: id },
  ...more,
});
const ask = (id: string, more: Record<string, unknown> = {}) =>
  use(id, { evaluated_permission: 'ask', ...more });
const custom = (id: string, name = 'lookup'): NewEvent => ({
  type: 'agent.custom_tool_use',
  id,
  name,
  input: { key: id },
});
const answer = (id: string): NewEvent => ({ type: 'user.tool_result', tool_use_id: id, content: [] });
const verdict = (id: string, result: string): NewEvent => ({
  type: 'user.tool_confirmation',
  tool_use_id: id,
  result,
});
const idle = (type = 'end_turn'): NewEvent => ({ type: 'session.status_idle', stop_reason: { type } });

/** Waits for so many results, and ends the turn that the server has begun by taking them. */
async function served(session: SessionHandle, count: number): Promise<void> {
  await until(() => session.events('user.tool_result').length === count);
  session.emit([idle()]);
}

/** Many times the idle time of these runners. */
const LONG_MS = 300;

describe('the SDK’s runner, as its rows say', () => {
  test('1, 2, 30, 31: answers builtin and custom calls by their own kind, a throw by an error', async () => {
    const { session, attached, end, calls } = await control();
    await attached();
    session.emit([use('a'), custom('b'), use('c', { name: 'fail' })]);
    await until(() => session.info().open_calls.length === 0);
    session.emit([idle()]);
    await end;
    expect(calls.map(({ isError, posted }) => [isError, posted])).toEqual([
      [false, true],
      [false, true],
      [true, true],
    ]);
    expect(session.events('user.tool_result').map(event => event.tool_use_id)).toEqual(['a', 'c']);
    expect(session.events('user.custom_tool_result').map(event => event.custom_tool_use_id)).toEqual(['b']);
    expect(JSON.stringify(session.events('user.tool_result')[1])).toContain('it broke');
  });

  test('3, 5: leaves what it does not own alone, and does not idle out over it', async () => {
    const { session, ended, requests } = await control({
      history: [use('a', { name: 'web_search' }), custom('b', 'book_flight'), idle()],
    });
    await sleep(LONG_MS);
    expect([ended(), requests('send'), session.info().open_calls]).toEqual([false, 0, ['a', 'b']]);
  });

  test.each(['history', 'live'])('6, 7, 158: nor over one that a person has approved (%s)', async where => {
    const foreign = [ask('a', { name: 'web_search' }), idle()];
    const approval = verdict('a', 'allow');
    const { session, attached, ended } = await control({
      history: where === 'history' ? [...foreign, approval] : foreign,
    });
    await attached();
    if (where === 'live') session.emit([approval]);
    await sleep(LONG_MS);
    expect(ended()).toBe(false);
  });

  test('8, 9: runs nothing that the history shows as answered, also when it comes again', async () => {
    const done: NewEvent[] = [
      ...[use('a'), answer('a'), custom('b')],
      { type: 'user.custom_tool_result', custom_tool_use_id: 'b', content: [] },
    ];
    const { session, attached, end, began, calls } = await control({ history: done });
    await attached();
    session.emit([use('a'), custom('b')], { log: false });
    session.emit([idle()]);
    await end;
    expect([began, calls]).toEqual([[], []]);
  });

  test('10: ends with its session', async () => {
    const { session, attached, end, calls } = await control();
    await attached();
    session.agent.terminate();
    await end;
    expect(calls).toEqual([]);
  });

  test('14: sends what is refused for good once', async () => {
    const { session, attached, calls, requests } = await control();
    await attached();
    session.setFaults({ fail: [{ route: 'send', status: 404 }] });
    session.emit([use('a')]);
    await until(() => calls.length === 1);
    expect([calls[0]?.posted, requests('send')]).toEqual([false, 1]);
  });

  test('15: sends again what fails in passing', { timeout: 30_000 }, async () => {
    const { session, attached, calls, began } = await control();
    await attached();
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 2 }] });
    session.emit([use('a')]);
    await until(() => calls.length === 1);
    expect([calls[0]?.posted, began]).toEqual([true, ['a']]);
  });

  test.each(['end_turn', 'refusal', 'retries_exhausted', 'budget_reached', 'something_new'])(
    '21 to 26: counts down after %s, live and from the history',
    async reason => {
      const live = await control();
      await live.attached();
      live.session.emit([idle(reason)]);
      await Promise.all([live.end, control({ history: [idle(reason)] }).then(({ end }) => end)]);
    },
  );

  test('27, 28: counts down neither after requires_action nor without an idle', async () => {
    const open = use('a', { name: 'web_search' });
    const waiting: NewEvent = {
      type: 'session.status_idle',
      stop_reason: { type: 'requires_action', event_ids: ['a'] },
    };
    const runners = await Promise.all([control({ history: [open, waiting] }), control()]);
    await sleep(LONG_MS);
    expect(runners.map(({ ended }) => ended())).toEqual([false, false]);
  });

  test('29: serves a call that comes after an idle, longer than the idle time', async () => {
    const { session, attached, end, calls } = await control({ maxIdleMs: 400 });
    await attached();
    session.emit([idle(), use('a', { input: { key: 'a', ms: 900 } })]);
    await until(() => session.info().open_calls.length === 0);
    session.emit([idle()]);
    await end;
    expect(calls).toMatchObject([{ posted: true }]);
  });

  test('41 to 44, 57 to 60: runs only what the server or a person allowed', async () => {
    const permitted = (id: string, permission: string) => use(id, { evaluated_permission: permission });
    const { session, end, began, calls } = await control({
      history: [
        ...[use('free'), permitted('allowed', 'allow'), ask('asked'), verdict('asked', 'allow')],
        ...[permitted('denied', 'deny'), verdict('denied', 'allow')],
        ...[ask('person'), verdict('person', 'deny'), use('stray'), verdict('stray', 'deny')],
        ...[permitted('strict', 'ask_strict'), verdict('strict', 'allow')],
        ...[ask('odd'), verdict('odd', 'escalate')],
        idle(),
      ],
    });
    await served(session, 4);
    await end;
    expect(began).toEqual(['free', 'allowed', 'asked', 'strict']);
    expect(calls.filter(call => call.confirmation === 'deny').map(call => call.toolUseId)).toEqual([
      'denied',
      'person',
      'stray',
      'odd',
    ]);
    expect(session.events('user.tool_result').map(event => event.tool_use_id)).toEqual(began);
  });

  test.each(['history', 'live'])('45, 47: does not idle out over a held call (%s)', async where => {
    const { session, attached, ended, began } = await control({
      history: where === 'history' ? [ask('a'), idle()] : [],
    });
    await attached();
    if (where === 'live') session.emit([ask('a'), idle()]);
    await sleep(LONG_MS);
    expect([ended(), began]).toEqual([false, []]);
  });

  test.each(['deny', 'escalate', 'allow'])('46, 48, 49: a late %s lets it idle out', async result => {
    const { session, attached, end, began } = await control({ history: [ask('a'), idle()] });
    await attached();
    session.emit([verdict('a', result)]);
    if (result === 'allow') await served(session, 1);
    await end;
    expect(began).toEqual(result === 'allow' ? ['a'] : []);
  });

  test('50: a released call is not cut short by the countdown that it deferred', async () => {
    const { session, attached, end, calls } = await control({
      history: [ask('a', { input: { key: 'a', ms: 400 } }), idle()],
    });
    await attached();
    session.emit([verdict('a', 'allow')]);
    await served(session, 1);
    await end;
    expect(calls).toMatchObject([{ posted: true, isError: false }]);
  });

  test.each([
    ['allow', ['a']],
    ['deny', []],
  ])('52, 53: a held call takes its %s from a history that does not list it', async (result, ran) => {
    const { session, attached, end, began } = await control();
    await attached();
    session.emit([ask('a')], { log: false });
    session.emit([idle()]);
    session.emit([verdict('a', result)], { stream: false });
    // What is cut off before it was read was never held.
    await sleep(200);
    session.cutStreams();
    if (result === 'allow') await served(session, 1);
    await end;
    expect(began).toEqual(ran);
  });

  test('55, 56: a held call blocks no later one, and a stray verdict harms nothing', async () => {
    const { session, attached, done } = await control();
    await attached();
    session.emit([verdict('elsewhere', 'allow'), ask('a'), use('b')]);
    await until(() => done.length === 1);
    session.emit([verdict('a', 'allow')]);
    await until(() => done.length === 2);
    expect(done).toEqual(['b', 'a']);
  });

  test('65: ends at a 401 on connect, after one connect', async () => {
    const { end, requests } = await control({
      before: session => session.setFaults({ fail: [{ route: 'stream', status: 401, times: 9 }] }),
    });
    await end;
    expect(requests('stream')).toBe(1);
  });

  test('66: runs nothing of a history whose second page fails', async () => {
    const { session, began, requests } = await control({
      history: [use('a'), use('b'), answer('a'), answer('b')],
      before: each => each.setFaults({ list: { max_page_size: 2, fail_page: 2, times: 1 } }),
    });
    await until(() => requests('list') >= 2);
    await sleep(100);
    expect(began).toEqual([]);
    session.agent.terminate();
  });

  test('154: runs no call of a thread that has ended', async () => {
    const { end, began } = await control({
      history: [
        use('a', { session_thread_id: 'sthr_1' }),
        { type: 'session.thread_status_terminated', session_thread_id: 'sthr_1', agent_name: 'child' },
        idle(),
      ],
    });
    await end;
    expect(began).toEqual([]);
  });
});

describe('the SDK’s runner fails, as the weaknesses say', () => {
  test('(W-1) calls of two threads run one after the other', async () => {
    const { session, attached, began, done } = await control();
    await attached();
    const slow = (id: string) => use(id, { input: { key: id, ms: 300 }, session_thread_id: `sthr_${id}` });
    session.emit([slow('a'), slow('b')]);
    await until(() => began.length === 2);
    expect(done).toEqual(['a']);
  });

  test('(W-2) an interrupt does not reach the tool that runs', async () => {
    const { session, attached, began, done } = await control();
    await attached();
    session.emit([use('a', { input: { key: 'a', ms: 500 } })]);
    await until(() => began.length === 1);
    session.send({ type: 'user.interrupt' });
    await until(() => done.length === 1);
    await until(() => (session.ledger().calls[0]?.refused.length ?? 0) === 1);
  });

  test('(W-3) a call that an interrupt has closed is run again', async () => {
    const { session, began, ended } = await control({
      history: [
        ...[use('a'), { type: 'user.interrupt' }],
        { type: 'agent.tool_result', tool_use_id: 'a', is_error: true, content: [] },
        idle(),
      ],
    });
    await until(() => began.length === 1);
    session.cutStreams();
    await until(() => began.length === 2);
    expect(ended()).toBe(false);
  });

  test('(W-4) what a tool came to is thrown away at an abort', async () => {
    const stop = new AbortController();
    const { session, attached, began, done, requests } = await control({ signal: stop.signal });
    await attached();
    session.emit([use('a', { input: { key: 'a', ms: 300 } })]);
    await until(() => began.length === 1);
    stop.abort();
    await until(() => done.length === 1);
    await sleep(200);
    expect(requests('send')).toBe(0);
  });

  test('(W-6) a refused post stalls the session, though the stream is well', async () => {
    const { session, attached, calls, requests } = await control();
    await attached();
    session.setFaults({ fail: [{ route: 'send', status: 400 }] });
    session.emit([use('a')]);
    await until(() => calls.length === 1);
    await sleep(LONG_MS);
    expect([requests('send'), session.info().open_calls]).toEqual([1, ['a']]);
  });

  test('(W-7) a termination that only the history shows is not seen', async () => {
    const { began, ended } = await control({ history: [use('a'), { type: 'session.status_terminated' }] });
    await until(() => began.length === 1);
    await sleep(LONG_MS);
    expect(ended()).toBe(false);
  });

  test('(W-8) a lost response makes a delivered result count as undelivered', {
    timeout: 30_000,
  }, async () => {
    const { session, attached, calls } = await control();
    await attached();
    session.setFaults({ lose_responses: 1 });
    session.emit([use('a')]);
    await until(() => calls.length === 1);
    expect(calls).toMatchObject([{ posted: false }]);
    expect(session.ledger().calls).toMatchObject([{ accepted: [{}], closed_by: 'result' }]);
  });

  test('(W-24) a permission of null holds its call without end', async () => {
    const { began, ended } = await control({ history: [use('a', { evaluated_permission: null }), idle()] });
    await sleep(LONG_MS);
    expect([began, ended()]).toEqual([[], false]);
  });
});
