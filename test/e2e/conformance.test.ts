/** Rows of the catalogue that only a whole deployment shows, and that no other file of these tests is about. */
import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { runIdsOf } from './support/history.ts';
import { quietSession } from './support/rows.ts';
import { sharedWorld, world } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const bash = (command: string) => ({ name: 'bash', input: { command } });

describe.concurrent('a session', () => {
  it('row 19: that is served already is not served twice: whoever starts it again joins the run', async () => {
    const w = shared();
    const session = w.session(agent => agent.call('wait_for', { label: 'row-19', line: 'joined 19' }));
    const handles = await Promise.all([1, 2, 3].map(() => w.begin(session.id)));
    await w.effect('begin row-19');
    handles.push(await w.begin(session.id));
    w.note('joined 19');
    const summaries = await Promise.all(handles.map(handle => handle.result()));
    expect(new Set(summaries.map(summary => JSON.stringify(summary))).size).toBe(1);
    expect(await runIdsOf(w.client, session.id)).toHaveLength(1);
    expect(w.effects('begin row-19')).toHaveLength(1);
    expect(textsOf(session)).toEqual(['row-19 saw joined 19']);
  });

  it('row 20: whose run is cancelled before any worker has begun it ends at once, without a call', async context => {
    const w = await world(context);
    const session = w.session([{ call: 'effect', input: { label: 'row-20', ms: 1 } }]);
    const handle = await w.begin(session.id, { maxIdleMs: 0 });
    await handle.cancel();
    const end = handle.result().catch(error => error);
    await w.worker();
    const error = await end;
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(w.effects()).toEqual([]);
  });

  it('row 17: that ends while a result cannot be sent is what ends the sending', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'row-17', ms: 1 } }]);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 100_000 }] });
    const handle = await w.begin(session.id);
    await eventually('it is sent and sent again', () => (answersOf(session)[0]?.refused ?? 0) >= 3);
    session.agent.terminate();
    const summary = await handle.result();
    expect(summary).toMatchObject({ state: 'done', reason: 'terminated' });
    expect(summary.calls).toMatchObject([{ state: 'void', posted: false, attempts: 1 }]);
  });

  it('W-3: whose call an interrupt has closed idles in peace: nothing runs, however often it is reconnected', async () => {
    const w = shared();
    const session = quietSession(w, [
      { type: 'agent.custom_tool_use', id: 'sevt_w3', name: 'effect', input: { label: 'w3', ms: 1 } },
      { type: 'user.interrupt' },
      { type: 'agent.tool_result', tool_use_id: 'sevt_w3', is_error: true, content: [] },
      { type: 'session.status_idle', stop_reason: { type: 'end_turn' } },
    ]);
    session.setFaults({ stream: { close_at_connect: 3 } });
    const summary = await (await w.begin(session.id, { maxIdleMs: 3_000 })).result();
    expect(summary).toMatchObject({ state: 'done', reason: 'idle' });
    expect(w.effects('begin w3')).toEqual([]);
    expect(answersOf(session).flatMap(({ posts, refused }) => [posts, refused])).not.toContain(1);
  });
});

describe.concurrent('two sessions of one worker', () => {
  it('W-14: do not wait for each other: while one holds a call for a person the other is served to its end', async () => {
    const w = shared();
    const held = w.session([{ ask: 'bash', input: { command: 'echo allowed' } }]);
    const first = await w.begin(held.id);
    await eventually('the call is held', async () => (await w.status(held.id)).heldCalls === 1);
    const other = w.session(agent => agent.calls([bash('echo one'), bash('echo two')]));
    expect(await (await w.begin(other.id)).result()).toMatchObject({ state: 'done', reason: 'idle' });
    expect(textsOf(other)).toEqual(['one', 'two']);
    expect((await w.status(held.id)).heldCalls).toBe(1);
    const [call] = answersOf(held);
    held.send({ type: 'user.tool_confirmation', tool_use_id: call?.id, result: 'allow' });
    await first.result();
    expect(textsOf(held)).toEqual(['allowed']);
  });

  it('W-21: have a folder and a shell each: neither sees, changes or removes the files of the other', async () => {
    const w = shared();
    const script = (name: string, other: string) => [
      {
        call: 'bash',
        input: { command: `mkdir -p skills/it && echo ${name} > skills/it/file && export WHO=${name}` },
      },
      { call: 'wait_for', input: { label: `w21-${name}`, line: `begin w21-${other}` } },
      { call: 'bash', input: { command: 'echo "$WHO: $(cat skills/it/file)"' } },
    ];
    const [a, b] = [w.session(script('a', 'b')), w.session(script('b', 'a'))];
    const runs = await Promise.all([a, b].map(session => w.begin(session.id)));
    await Promise.all(runs.map(run => run.result()));
    expect(textsOf(a)[2]).toBe('a: a');
    expect(textsOf(b)[2]).toBe('b: b');
  });
});

describe.concurrent('threads', () => {
  it('25 beside each other are all served, each call answered for its own', async () => {
    const w = shared();
    const threads = Array.from({ length: 25 }, (_, i) => `t${i}`);
    const session = w.session(agent =>
      agent.calls(
        threads.map(thread => ({ name: 'effect', input: { label: `25-${thread}`, ms: 1 }, thread })),
      ),
    );
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.filter(call => !(call.posted && call.attempts === 1))).toEqual([]);
    expect(textsOf(session)).toEqual(threads.map(thread => `did 25-${thread}`));
    const routed = session.events('user.custom_tool_result').map(event => event.session_thread_id);
    expect(new Set(routed).size).toBe(25);
  });
});

describe.concurrent('--max-idle 0', () => {
  it('keeps a run alive over idles, until a wake gives it a window', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.idle();
      await agent.call('effect', { label: 'woken', ms: 1 });
    });
    const started = w.start(session.id, '--max-idle', '0');
    await eventually(
      'it is idle',
      async () => (await w.status(session.id).catch(() => null))?.state === 'idle',
    );
    expect((await w.history(session.id)).countdowns).toEqual([]);
    session.sendMessage('on');
    await w.effect('end woken');
    await eventually('it is idle again', async () => (await w.status(session.id)).state === 'idle');
    expect((await w.history(session.id)).countdowns).toEqual([]);
    await w.begin(session.id, { maxIdleMs: 100 });
    expect((await started).line).toMatchObject({ state: 'done', reason: 'idle', calls: [{ posted: true }] });
  });
});
