/** Workers that die, leave or share a host: what they had under way goes on as if nothing had been (I4, I5). */
import { describe, expect, it } from 'vitest';
import type { Script } from '../../src/emulator/script.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { type World, world } from './support/world.ts';

const SLOW = 'sleep 5; echo done >> effects; cat effects';

/** Waits until the emulator has seen so many posts of results, whatever became of them. */
async function posts(w: World, count: number): Promise<void> {
  const seen = () => w.emulator.requests().filter(({ route }) => route === 'send').length >= count;
  await eventually(`${count} posts`, seen);
}

describe.concurrent('a worker that is killed', () => {
  it('while bash runs: the next one posts the real output, the command ran once', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'bash', input: { command: `echo begun >> "$EFFECTS"; ${SLOW}` } }]);
    const started = w.start(session.id, '--max-idle', '500ms');
    await eventually('bash runs', () => w.effects('begun').length > 0);
    await first.end('SIGKILL');
    await w.worker();

    const { code, line } = await started;
    expect(code).toBe(0);
    // `effects` of the workspace: one line, so one run; no report of the unknown.
    expect(textsOf(session)).toEqual(['done']);
    expect(answersOf(session)).toMatchObject([{ isError: false, refused: 0 }]);
    expect(line?.calls).toMatchObject([{ state: 'settled', posted: true, isError: false, attempts: 1 }]);
  });

  it('twice in a row while bash runs: the third one still posts the real output', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'bash', input: { command: `echo begun >> "$EFFECTS"; ${SLOW}` } }]);
    const handle = await w.begin(session.id);
    await eventually('bash runs', () => w.effects('begun').length > 0);
    await first.end('SIGKILL');
    const second = await w.worker();
    await second.end('SIGKILL');
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['done']);
    expect(w.effects()).toEqual(['begun']);
  });

  it('beside a sibling: its session’s workflow does not wait for it either', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'wait_for', input: { label: 'a', line: 'killed' } }]);
    const handle = await w.begin(session.id);
    await w.effect('begin a');
    const sibling = await w.worker();
    await first.end('SIGKILL');
    await sibling.says('took over');
    w.note('killed');
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    const { events } = await w.history(session.id);
    expect(events.filter(event => event.workflowTaskTimedOutEventAttributes)).toEqual([]);
  });

  it('W-11: after the tool ended and before its result is posted: it is posted once, and the tool ran once', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'effect', input: { label: 'a', ms: 10 } }]);
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    const handle = await w.begin(session.id);
    await posts(w, 2);
    await first.end('SIGKILL');
    session.clearFaults();
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['did a']);
    expect(w.effects()).toEqual(['begin a', 'end a']);
  });

  it('while its post is on the way: the server took it, so it is not posted again', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'effect', input: { label: 'a', ms: 10 } }]);
    session.setFaults({ latency_ms: { send: 1_500 } });
    const handle = await w.begin(session.id);
    await posts(w, 1);
    await first.end('SIGKILL');
    session.clearFaults();
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ state: 'settled', attempts: 1 }]);
    expect(textsOf(session)).toEqual(['did a']);
    expect(w.effects()).toEqual(['begin a', 'end a']);
  });

  it('and whose tool ends while there is no worker at all: the outcome waits for the next one', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'effect', input: { label: 'a', ms: 1_000 } }]);
    const handle = await w.begin(session.id);
    await w.effect('begin a');
    await first.end('SIGKILL');
    await w.effect('end a');
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['did a']);
    expect(w.effects()).toEqual(['begin a', 'end a']);
  });

  it('again and again in a session of calls: none runs twice and none is lost', async context => {
    const w = await world(context);
    const labels = Array.from({ length: 12 }, (_, i) => `${i}`);
    const script: Script = labels.map(label => ({ call: 'effect', input: { label, ms: 250 } }));
    const session = w.session(script);
    let worker = await w.worker();
    const handle = await w.begin(session.id);
    for (const at of [1, 4, 8]) {
      await w.effect(`begin ${at}`);
      await worker.end('SIGKILL');
      worker = await w.worker();
    }
    const { calls } = await handle.result();
    expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual(
      labels.map(() => ['settled', true, 1]),
    );
    expect(textsOf(session)).toEqual(labels.map(label => `did ${label}`));
    expect(w.effects()).toEqual(labels.flatMap(label => [`begin ${label}`, `end ${label}`]));
  });
});

describe.concurrent('a worker that leaves in order', () => {
  it('W-4: ends although a tool runs, the tool does not notice, and the next worker posts its result', async context => {
    const w = await world(context);
    const first = await w.worker();
    const session = w.session([{ call: 'meet', input: { label: 'a', others: ['left'] } }]);
    const handle = await w.begin(session.id);
    await w.effect('begin a');
    // The tool ends only when it is told to: a worker that waited for it would never be gone.
    const exit = await first.end('SIGTERM');
    expect(exit).toMatchObject({ code: 0, signal: null });
    w.note('begin left');
    await w.worker();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, isError: false, attempts: 1 }]);
    expect(textsOf(session)).toEqual(['a met all']);
    expect(w.effects('begin a')).toHaveLength(1);
  });
});

describe.concurrent('two workers on one host', () => {
  it('go on with each other’s calls, whichever of them is killed', async context => {
    const w = await world(context);
    const workers = await Promise.all([w.worker(), w.worker()]);
    const sessions = ['x', 'y'].map(name =>
      w.session([1, 2, 3, 4].map(i => ({ call: 'effect', input: { label: `${name}${i}`, ms: 800 } }))),
    );
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id)));
    await Promise.all([w.effect('begin x2'), w.effect('begin y2')]);
    await workers[0].end('SIGKILL');
    workers[0] = await w.worker();
    await Promise.all([w.effect('begin x4'), w.effect('begin y4')]);
    await workers[1].end('SIGKILL');
    const summaries = await Promise.all(handles.map(handle => handle.result()));
    for (const { calls } of summaries) {
      expect(calls.map(({ posted, attempts }) => [posted, attempts])).toEqual(
        Array.from({ length: 4 }, () => [true, 1]),
      );
    }
    expect(sessions.flatMap(textsOf)).toEqual(
      [1, 2, 3, 4].map(i => `did x${i}`).concat([1, 2, 3, 4].map(i => `did y${i}`)),
    );
    expect(w.effects('begin')).toHaveLength(8);
  });

  it('go on when one freezes and wakes up again: its late attempts change nothing', async context => {
    const w = await world(context);
    const [frozen] = await Promise.all([w.worker(), w.worker()]);
    const sessions = ['u', 'v', 'w'].map(name =>
      w.session([1, 2, 3, 4].map(i => ({ call: 'effect', input: { label: `${name}${i}`, ms: 300 } }))),
    );
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id)));
    await Promise.all(['u1', 'v1', 'w1'].map(label => w.effect(`begin ${label}`)));
    process.kill(frozen.pid, 'SIGSTOP');
    try {
      // Its heartbeats time out, and the other worker does all that is left.
      const { calls } = (await Promise.all(handles.map(handle => handle.result())))[0] ?? { calls: [] };
      expect(calls).toHaveLength(4);
    } finally {
      process.kill(frozen.pid, 'SIGCONT');
    }
    // Now it completes attempts that are long over, and posts what it was about to post.
    const after = w.session([{ call: 'effect', input: { label: 'after', ms: 1 } }]);
    expect((await (await w.begin(after.id)).result()).calls).toMatchObject([{ posted: true }]);
    for (const session of [...sessions, after]) expect(textsOf(session).length).toBeGreaterThan(0);
    expect(w.effects('begin')).toHaveLength(13);
  });

  it('may each do one role: sessions, listeners and tools are three processes', async context => {
    const w = await world(context);
    const [sessions] = await Promise.all([
      w.worker('--roles', 'sessions'),
      w.worker('--roles', 'listeners'),
      w.worker('--roles', 'tools'),
    ]);
    const session = w.session([
      { call: 'bash', input: { command: 'echo begun >> "$EFFECTS"; sleep 2; echo one' } },
      { call: 'effect', input: { label: 'a', ms: 10 } },
    ]);
    const handle = await w.begin(session.id);
    await eventually('bash runs', () => w.effects('begun').length > 0);
    // The part that owns no processes is redeployed on its own.
    await sessions.end('SIGTERM');
    await w.worker('--roles', 'sessions');
    expect((await handle.result()).calls).toMatchObject([{ posted: true }, { posted: true }]);
    expect(textsOf(session)).toEqual(['one', 'did a']);
  });
});
