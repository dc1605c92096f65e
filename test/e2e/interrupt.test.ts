/** Interrupts: what runs is ended with all it started, what has not started never does (§2.8, I10). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { isAlive } from './support/leftovers.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const bash = (command: string) => ({ name: 'bash', input: { command } });

/** A command that runs for long, with a child that has left its session; their pids stand in `<name>.pids`. */
function long(name: string): string {
  const file = `$(dirname "$EFFECTS")/${name}.pids`;
  return [
    `setsid sh -c 'exec sleep 300' & echo "$!" >> "${file}"`,
    `sleep 299 & echo "$!" >> "${file}"`,
    `echo working; echo "begin ${name} 0000000000000" >> "$EFFECTS"; wait`,
  ].join('; ');
}

function pidsOf(name: string): number[] {
  return readFileSync(`${shared().folder}/${name}.pids`, 'utf8').trim().split('\n').map(Number);
}

async function dead(pids: readonly number[]): Promise<void> {
  expect(pids.length).toBe(2);
  await eventually(`processes ${pids} are dead`, () => !pids.some(isAlive), 20_000);
}

describe.concurrent('an interrupt', () => {
  it('W-2: ends a running command with all it started, and posts nothing for what the server closes', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([bash(long('one')), bash('echo "begin one-unstarted 0000000000000" >> "$EFFECTS"')]),
    );
    const handle = await w.begin(session.id);
    await w.effect('begin one');
    const pids = pidsOf('one');
    expect(pids.every(isAlive)).toBe(true);
    session.send({ type: 'user.interrupt' });
    await dead(pids);
    const { calls, state } = await handle.result();
    expect(state).toBe('done');
    expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual([
      ['settled', false, 1],
      ['settled', false, 0],
    ]);
    expect(answersOf(session).map(({ posts, refused, closedBy }) => [posts, refused, closedBy])).toEqual([
      [0, 0, 'interrupt'],
      [0, 0, 'interrupt'],
    ]);
    expect(w.effects('begin one-unstarted')).toEqual([]);
  });

  it('stops only what stands before it: the next turn’s calls run, in a new shell', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('bash', { command: long('two') });
      await agent.idle();
      await agent.call('bash', { command: 'echo next' });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin two');
    const pids = pidsOf('two');
    session.send(
      { type: 'user.interrupt' },
      { type: 'user.message', content: [{ type: 'text', text: 'on' }] },
    );
    await dead(pids);
    const { calls } = await handle.result();
    expect(calls.map(({ posted }) => posted)).toEqual([false, true]);
    expect(answersOf(session)[1]?.text).toMatch(/the shell was ended .* before this one.*\nnext$/s);
  });

  it('that the server never applies is answered by us after the grace: with evidence, or as not started', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([bash(long('three')), bash('echo "begin three-unstarted 0000000000000" >> "$EFFECTS"')]),
    );
    session.setFaults({ interrupt_delay_ms: 'never' });
    const handle = await w.begin(session.id, { interruptGraceMs: 500 });
    await w.effect('begin three');
    const pids = pidsOf('three');
    session.send({ type: 'user.interrupt' });
    await dead(pids);
    await session.wait('idle');
    const [running, unstarted] = answersOf(session);
    expect(running).toMatchObject({ posts: 1, refused: 0, isError: true });
    expect(running?.text).toMatch(/stopped before it ended: the user interrupted the session/);
    expect(running?.text).toContain('working');
    expect(unstarted).toMatchObject({ posts: 1, refused: 0, isError: true });
    expect(unstarted?.text).toMatch(/was not started: the user interrupted the session/);
    expect(w.effects('begin three-unstarted')).toEqual([]);
    expect((await handle.result()).calls.map(({ state, posted }) => [state, posted])).toEqual([
      ['settled', true],
      ['settled', true],
    ]);
  });

  it('leaves a call alone that had ended before: its result is posted as usual', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([{ name: 'effect', input: { label: 'ended', ms: 1 } }, bash(long('four'))]),
    );
    // Its post is held back until the interrupt has been acted upon.
    session.setFaults({
      fail: [{ route: 'send', status: 503, times: 1_000 }],
      interrupt_delay_ms: 'never',
    });
    const handle = await w.begin(session.id, { interruptGraceMs: 500 });
    await Promise.all([w.effect('end ended'), w.effect('begin four')]);
    await eventually(
      'it waits to be posted',
      async () => (await w.calls(session.id))[0]?.state === 'finished',
    );
    const pids = pidsOf('four');
    session.send({ type: 'user.interrupt' });
    await dead(pids);
    session.clearFaults();
    const { calls } = await handle.result();
    const [ended, stopped] = answersOf(session);
    expect(ended).toMatchObject({ text: 'did ended', posts: 1, isError: false, closedBy: 'result' });
    expect(stopped).toMatchObject({ posts: 1, isError: true, closedBy: 'result' });
    expect(calls.map(({ posted }) => posted)).toEqual([true, true]);
  });

  it('of one thread leaves the calls of the others running', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls([
        { name: 'wait_for', input: { label: 'main', line: 'child interrupted' } },
        { name: 'effect', input: { label: 'child', ms: 120_000 }, thread: 'child' },
      ]);
    });
    const handle = await w.begin(session.id);
    await Promise.all([w.effect('begin main'), w.effect('begin child')]);
    const child = session.ledger().calls[1]?.session_thread_id;
    session.send({ type: 'user.interrupt', session_thread_id: child });
    await eventually('it is ended', async () => (await w.calls(session.id))[1]?.state === 'settled');
    w.note('child interrupted');
    const { calls } = await handle.result();
    expect(calls.map(({ posted }) => posted)).toEqual([true, false]);
    expect(answersOf(session)).toMatchObject([
      { text: 'main saw child interrupted', posts: 1 },
      { posts: 0, refused: 0, closedBy: 'interrupt' },
    ]);
    expect(w.effects('end child')).toEqual([]);
  });
});
