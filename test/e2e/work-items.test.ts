/** Work items from their claim to their stop (behaviours.md §2.2, W-14 to W-18), as the queue sees it. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answersOf, textsOf } from './support/answers.ts';
import {
  actsOf,
  ENVIRONMENT_KEY,
  endOf,
  environmentOf,
  inState,
  itemOf,
  queued,
  requestsOf,
  withEnvironment,
} from './support/environment.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(
  import.meta.url,
  withEnvironment({
    env: { ANTHROPIC_CUSTOM_HEADERS: 'x-team: tools' },
    tools: fileURLToPath(new URL('./support/work-tools.ts', import.meta.url)),
  }),
);

const echo = (text: string) => ({ call: 'bash', input: { command: `echo ${text}` } });

describe.concurrent('an item is served', () => {
  it('rows 72, 78, 99, 125: claimed, owned, acknowledged, leased, served with its token, and stopped once by force', async () => {
    const w = shared();
    const session = queued(w, [echo('hello')]);
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'idle' });

    expect(textsOf(session)).toEqual(['hello']);
    expect(actsOf(w, session)).toEqual(['queued', 'polled', 'acked', 'beat', 'stop', 'stopped']);
    const requests = requestsOf(w, session);
    const firsts = [...new Set(requests.map(({ route }) => route))];
    expect(firsts.slice(0, 2)).toEqual(['work_poll', 'work_ack']);
    expect(firsts.indexOf('work_heartbeat')).toBeLessThan(firsts.indexOf('stream'));
    expect(firsts.at(-1)).toBe('work_stop');
    const by = (route: string) =>
      new Set(requests.filter(r => r.route === route).map(r => r.headers.authorization));
    const helper = (route: string) => requests.find(r => r.route === route)?.headers['x-stainless-helper'];
    const [token] = by('work_heartbeat');
    expect(token).toMatch(/^Bearer sk-ant-req-/);
    for (const route of ['work_stop', 'retrieve', 'stream', 'list', 'send'])
      expect([...by(route)]).toEqual([token]);
    for (const route of ['work_poll', 'work_ack'])
      expect([...by(route)]).toEqual([`Bearer ${ENVIRONMENT_KEY}`]);
    expect([helper('work_poll'), helper('work_ack')]).toEqual(Array(2).fill('environments-work-poller'));
    expect([helper('work_heartbeat'), helper('work_stop')]).toEqual(Array(2).fill('environments-worker'));
    expect(helper('send')).toContain('environments-worker');
    // Row 77: the caller's headers are on all of them.
    expect(new Set(requests.map(({ headers }) => headers['x-team']))).toEqual(new Set(['tools']));

    // I9: neither credential is anywhere that somebody may read later.
    const kept =
      JSON.stringify(await w.history(session.id)) + w.said() + JSON.stringify(await w.calls(session.id));
    const clear = token?.replace('Bearer ', '') ?? 'no token';
    for (const secret of [clear, ENVIRONMENT_KEY, Buffer.from(clear).toString('base64').slice(0, 20)])
      expect(kept).not.toContain(secret);
  });

  it('rows 77, 146: the caller’s headers are on each request of the queue', async () => {
    const w = shared();
    await endOf(w, queued(w, [echo('headers')]));
    const routes = new Map(
      w.emulator
        .requests()
        .flatMap(({ route, headers }) => (route === null ? [] : [[route, headers['x-team']]])),
    );
    for (const route of [
      'work_poll',
      'work_ack',
      'work_heartbeat',
      'work_stop',
      'retrieve',
      'stream',
    ] as const)
      expect([route, routes.get(route)]).toEqual([route, 'tools']);
  });

  it('W-16: is acknowledged only when a workflow owns it', async () => {
    const w = shared();
    const session = queued(w, [echo('owned')]);
    await endOf(w, session);
    const [ack] = requestsOf(w, session).filter(({ route }) => route === 'work_ack');
    const { startTime } = await w.client.workflow.getHandle(session.id).describe();
    expect(ack?.at).toBeGreaterThan(startTime.getTime() - 1_000);
    const { activities } = await w.history(session.id);
    expect(activities.map(({ type }) => type).indexOf('ackWork')).toBe(0);
  });

  it('W-14, W-15: while a held call and a slow one keep theirs, others come and go, and all leases are kept', async () => {
    const w = shared();
    const held = queued(w, [{ call: 'bash', input: { command: 'echo yes' }, permission: 'ask' }]);
    const slow = queued(w, [{ call: 'effect', input: { label: 'slow', ms: 7_000 } }]);
    const heldItem = await inState(w, held, 'active');
    await w.effect('begin slow');
    const quick = [1, 2, 3].map(n => queued(w, [echo(`quick ${n}`)]));
    for (const session of quick) await endOf(w, session);
    expect(itemOf(w, held).state).toBe('active');
    await w.effect('end slow');
    await endOf(w, slow);
    for (const session of [held, slow]) {
      expect(actsOf(w, session).filter(act => /requeued|:/.test(act))).toEqual([]);
    }
    expect(itemOf(w, held)).toMatchObject({ id: heldItem.id, state: 'active' });
    const call = held.ledger().calls[0]?.id ?? '';
    held.send({ type: 'user.tool_confirmation', tool_use_id: call, result: 'allow' });
    await endOf(w, held);
    expect(textsOf(held)).toEqual(['yes']);
  });

  it('row 76: its tools are made anew for its session, in the session’s own folder', async () => {
    const w = shared();
    const both = [1, 2].map(() => queued(w, [{ call: 'where' }, { call: 'where' }]));
    for (const session of both) await endOf(w, session);
    const told = both.map(session => textsOf(session).map(text => text.split(' ')));
    for (const [i, answers] of told.entries()) {
      expect(answers.map(([, uses]) => uses)).toEqual(['1', '2']);
      for (const [folder] of answers) expect(folder).toContain(both[i]?.id);
    }
  });

  it('row 74: a healthcheck is stopped, and no session is asked for', async () => {
    const w = shared();
    const { id } = environmentOf(w).enqueue();
    await environmentOf(w).wait(id, 'stopped');
    expect(
      environmentOf(w)
        .item(id)
        .history.map(({ act }) => act),
    ).toEqual(['queued', 'polled', 'acked', 'stop', 'stopped']);
  });

  it('row 75: one whose session is gone ends with its run, and the worker claims the next', async () => {
    const w = shared();
    const { id } = environmentOf(w).enqueue({ sessionId: 'sesn_gone' });
    await environmentOf(w).wait(id, 'stopped');
    const next = queued(w, [echo('next')]);
    await endOf(w, next);
    expect(textsOf(next)).toEqual(['next']);
    const history = JSON.stringify(await w.history('sesn_gone'));
    expect(history).toContain('SessionNotFound');
  });

  it('row 157: of a session that is terminated already is stopped before anything is read or run', async () => {
    const w = shared();
    const session = w.emulator.createSession({
      script: 'manual',
      history: [
        { type: 'agent.tool_use', name: 'bash', input: { command: 'echo never' } },
        { type: 'session.status_terminated' },
      ],
    });
    w.sessions.push(session);
    const { id } = environmentOf(w).enqueue({ sessionId: session.id });
    await environmentOf(w).wait(id, 'stopped');
    expect(await endOf(w, session)).toMatchObject({ state: 'done', reason: 'terminated' });
    const routes = requestsOf(w, session).map(({ route }) => route);
    expect(routes).toContain('retrieve');
    expect(routes).not.toContain('stream');
    expect(answersOf(session).map(({ posts }) => posts)).toEqual([0]);
  });

  it('a session that is messaged again after its idle end is queued, and served by a run of its own', async () => {
    const w = shared();
    const session = queued(w, async agent => {
      await agent.call('effect', { label: 'one', ms: 1 });
      await agent.idle();
      await agent.call('effect', { label: 'two', ms: 1 });
    });
    await endOf(w, session);
    session.sendMessage('more');
    await eventually('the second item is over', () => {
      const work = environmentOf(w).workOf(session.id);
      return work.length === 2 && work.every(({ state }) => state === 'stopped');
    });
    await endOf(w, session);
    expect(textsOf(session)).toEqual(['did one', 'did two']);
  });
});
