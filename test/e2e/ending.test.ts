/** Sessions and runs that are ended: by a person, or on the server's side (§6, I10; design §9). */
import { describe, expect, it } from 'vitest';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const alone = (label: string, ms: number) => ({ name: 'alone', input: { label, ms } });
const bash = (command: string) => ({ name: 'bash', input: { command } });
const long = (name: string) =>
  bash(`echo working on ${name}; echo "begin ${name} 0000000000000" >> "$EFFECTS"; sleep 300; echo never`);

describe.concurrent('a person’s stop', () => {
  it('lets the running call end and posts it; what has not started stays pending on the server', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([{ name: 'wait_for', input: { label: 'given', line: 'let go' } }, alone('given-not', 1)]),
    );
    const waiting = w.start(session.id);
    await w.effect('begin given');
    const stopping = w.run(['stop', session.id, '--grace', '60s']).exit;
    await eventually('the stop is known', async () => (await w.status(session.id)).state === 'stopping');
    w.note('let go');
    const stop = await stopping;
    expect(stop).toMatchObject({ code: 0, stdout: `stopped ${session.id}\n` });
    const { code, line } = await waiting;
    expect(code).toBe(0);
    expect(line).toMatchObject({ state: 'stopped', reason: 'a person stopped it' });
    expect(line?.calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual([
      ['settled', true, 1],
      ['open', false, 0],
    ]);
    expect(answersOf(session).map(({ posts, text, refused }) => [posts, text, refused])).toEqual([
      [1, 'given saw let go', 0],
      [0, '', 0],
    ]);
    expect(w.effects('begin given')).toEqual(['begin given']);
    expect(session.info().open_calls).toHaveLength(1);
  });

  it('--now ends the running call at once and reports it; the other stays pending', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls([long('now'), alone('now-not', 1)]));
    const waiting = w.start(session.id);
    await w.effect('begin now');
    expect((await w.run(['stop', session.id, '--now']).exit).code).toBe(0);
    const { code, line } = await waiting;
    expect(code).toBe(0);
    expect(line).toMatchObject({ state: 'stopped' });
    expect(line?.calls.map(({ state, posted, isError }) => [state, posted, isError])).toEqual([
      ['settled', true, true],
      ['open', false, false],
    ]);
    const [stopped, pending] = answersOf(session);
    expect(stopped).toMatchObject({ posts: 1, refused: 0, isError: true });
    expect(stopped?.text).toMatch(/This bash call was stopped before it ended: the session was stopped/);
    expect(stopped?.text).toContain('working on now');
    expect(pending).toMatchObject({ posts: 0, refused: 0, closedBy: null });
  });

  it('with a grace that runs out kills the call then, and the stopped session can be started again', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls([long('grace'), alone('later', 1)]));
    const handle = await w.begin(session.id);
    await w.effect('begin grace');
    expect((await w.run(['stop', session.id, '--grace', '500ms']).exit).code).toBe(0);
    expect((await handle.result()).state).toBe('stopped');
    const again = await w.start(session.id, '--max-idle', '200ms');
    expect(again.line).toMatchObject({ state: 'done', calls: [{ name: 'alone', posted: true }] });
    expect(answersOf(session).map(({ posts }) => posts)).toEqual([1, 1]);
    expect(w.effects('begin grace')).toHaveLength(1);
  });
});

describe.concurrent('a session that ends on the server while a tool runs', () => {
  it('terminated or archived: the tool is ended, its call is void, the run is done', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls([long('archived'), alone('archived-not', 1)]));
    const waiting = w.start(session.id);
    await w.effect('begin archived');
    session.archive();
    const { code, line } = await waiting;
    expect(code).toBe(0);
    expect(line).toMatchObject({ state: 'done', reason: 'terminated' });
    expect(line?.calls.map(({ state, posted }) => [state, posted])).toEqual([
      ['void', false],
      ['void', false],
    ]);
    expect(answersOf(session).map(({ posts, refused }) => posts + refused)).toEqual([0, 0]);
    expect(w.effects('begin archived')).toEqual(['begin archived']);
  });

  it('deleted: the same', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls([long('deleted')]));
    const handle = await w.begin(session.id);
    await w.effect('begin deleted');
    const headers = { 'x-api-key': 'test-key' };
    const url = `${w.emulator.url}/v1/sessions/${session.id}`;
    expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(200);
    const summary = await handle.result();
    expect(summary).toMatchObject({ state: 'done', reason: 'deleted', calls: [{ state: 'void' }] });
  });

  it('row 147: W-7: terminated in the history alone: nothing runs', async () => {
    const w = shared();
    const session = w.session('manual', {
      history: [
        {
          type: 'agent.custom_tool_use',
          id: 'sevt_w7',
          name: 'effect',
          input: { label: 'w7', ms: 1 },
        },
        { type: 'session.status_terminated' },
        // The session's own status says otherwise: the history alone tells that it has ended.
        { type: 'session.status_running' },
      ],
    });
    const summary = await (await w.begin(session.id)).result();
    expect(summary).toMatchObject({ state: 'done', reason: 'terminated' });
    expect(summary.calls).toMatchObject([{ id: 'sevt_w7', state: 'void', posted: false, attempts: 0 }]);
    expect(w.effects('begin w7')).toEqual([]);
  });

  it('rows 154, 155: a thread that ends voids its calls that have not started, and no others', async () => {
    const w = shared();
    const session = w.session(async agent => {
      const calls = agent.calls([
        { name: 'wait_for', input: { label: 'thread-first', line: 'thread ended' } },
        { ...alone('thread-void', 1), thread: 'child' },
        alone('thread-last', 1),
      ]);
      await eventually('the first runs', () => w.effects('begin thread-first').length > 0);
      await agent.endThread('child');
      // Only once the workflow has heard of it may the lock become free.
      await eventually('the call is void', async () => (await w.calls(session.id))[1]?.state === 'void');
      w.note('thread ended');
      await calls;
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ state, posted }) => [state, posted])).toEqual([
      ['settled', true],
      ['void', false],
      ['settled', true],
    ]);
    expect(w.effects('begin thread')).toEqual(['begin thread-first', 'begin thread-last']);
  });
});
