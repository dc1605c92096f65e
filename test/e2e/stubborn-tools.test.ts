/** Tools that kill what serves them, or will not be ended: they cost their own call, once (§4, I4, I10, I12). */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { isAlive } from './support/leftovers.ts';
import { sharedWorld, type World } from './support/world.ts';

const shared = sharedWorld(import.meta.url, {
  tools: fileURLToPath(new URL('./support/stubborn-tools.ts', import.meta.url)),
});

const bash = (command: string) => ({ name: 'bash', input: { command } });
const tool = (name: string, label: string) => ({ name, input: { label } });

/** Writes `pid <name> <pid>` for a child that left the session and for one that was forked twice. */
function escapees(name: string): string {
  const tell = `echo "pid ${name} $! 0000000000000" >> "$EFFECTS"`;
  return `setsid sh -c 'exec sleep 300' & ${tell}; (setsid sh -c 'sleep 300 & ${tell}' &); sleep 0.3`;
}

function pidsOf(w: World, prefix: string): number[] {
  return w.effects(`${prefix} `).map(line => Number(line.split(' ').at(-1)));
}

/** Effects of these labels: a tool that began twice shows twice. */
function begun(w: World, ...labels: readonly string[]): number[] {
  return labels.map(label => w.effects().filter(line => line === `begin ${label}`).length);
}

/** What a model must not take for a user's interrupt or a refusal (§4, the interrupted report). */
function expectReport(text: string | undefined, name: string): void {
  expect(text).toMatch(
    new RegExp(`^The outcome of this ${name} call is not known: the tool host process ended`),
  );
  expect(text).toContain('It was not retried. It may have taken effect, wholly or in part');
  expect(text).toContain('No user interrupted or refused the call.');
  expect(text).not.toMatch(/denied|cancel|abort/i);
}

describe.concurrent('a tool that kills its tool host', () => {
  it('runs once and is reported, each sibling by a report of its own, and the session goes on', async () => {
    const w = shared();
    const labels = ['ks1', 'ks2'];
    const session = w.session(async agent => {
      await agent.calls([
        { name: 'kill_host', input: { label: 'killer', others: labels } },
        ...labels.map(label => ({ name: 'effect', input: { label, ms: 120_000 } })),
      ]);
      await agent.call('bash', { command: 'echo on' });
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual([
      ...[1, 2, 3].map(() => [true, true, 1]),
      [true, false, 1],
    ]);
    const [killer, first, second, on] = textsOf(session);
    expectReport(killer, 'kill_host');
    expect(killer).toContain('killer');
    expectReport(first, 'effect');
    expect(first).toContain('ks1');
    expectReport(second, 'effect');
    expect(second).toContain('ks2');
    expect(on).toMatch(/on$/);
    expect(begun(w, 'killer', ...labels)).toEqual([1, 1, 1]);
  });

  it('starts three times where it is idempotent, and then it is reported: it cannot loop', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('kill_host_again', { label: 'again', others: [] });
      await agent.call('bash', { command: 'echo on' });
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls).toMatchObject([
      { posted: true, isError: true, attempts: 3 },
      { posted: true, isError: false },
    ]);
    const [report] = textsOf(session);
    expect(report).toMatch(/^The outcome of this kill_host_again call is not known/);
    expect(report).toContain('(started 3 times)');
    expect(begun(w, 'again')).toEqual([3]);
  });

  it('from bash, with children that have left it: they are dead before the report is posted', async () => {
    const w = shared();
    let alive: number[] | undefined;
    const session = w.session(async agent => {
      await agent.call('bash', {
        command: `${escapees('parricide')}; echo evidence; kill -9 $PPID; sleep 300`,
      });
      // Right after the post was taken.
      alive = pidsOf(w, 'pid parricide').filter(isAlive);
    });
    expect((await (await w.begin(session.id)).result()).calls).toMatchObject([{ posted: true, attempts: 1 }]);
    const [report] = textsOf(session);
    expectReport(report, 'bash');
    expect(report).toContain('evidence');
    expect(pidsOf(w, 'pid parricide')).toHaveLength(2);
    expect(alive).toEqual([]);
  });
});

const STUBBORN = [
  bash(`trap '' TERM INT HUP; ${escapees('trap')}; echo "begin trap 0000000000000" >> "$EFFECTS"; sleep 300`),
  tool('deaf', 'deaf'),
  tool('endless', 'endless'),
  tool('daemon', 'daemon'),
];

/** The calls of STUBBORN under labels of their own. */
function stubborn(name: string): { name: string; input: object }[] {
  return STUBBORN.map(({ name: of, input }) => ({
    name: of,
    input: JSON.parse(
      JSON.stringify(input).replaceAll(/\b(trap(?! ')|deaf|endless|daemon)\b/g, `$1-${name}`),
    ),
  }));
}

/** Waits until all of them run; resolves with the pids of what they have started. */
async function untilStubborn(w: World, name: string): Promise<number[]> {
  await Promise.all(['trap', 'deaf', 'endless'].map(label => w.effect(`begin ${label}-${name}`)));
  const pids = () => [...pidsOf(w, `pid trap-${name}`), ...pidsOf(w, `daemon daemon-${name}`)];
  await eventually('all they start is started', () => pids().length === 3);
  expect(pids().filter(isAlive)).toHaveLength(3);
  return pids();
}

async function untilDead(pids: readonly number[]): Promise<void> {
  await eventually(`processes ${pids} are dead`, () => !pids.some(isAlive), 30_000);
}

describe.concurrent('tools that heed no signal', () => {
  it('are ended by an interrupt with all they have started; the server answers, we post nothing', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls(stubborn('one'));
      await agent.idle();
      await agent.call('bash', { command: 'echo next' });
    });
    const handle = await w.begin(session.id);
    const pids = await untilStubborn(w, 'one');
    session.send({ type: 'user.interrupt' });
    await untilDead(pids);
    session.sendMessage('on');
    const { calls } = await handle.result();
    expect(calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual([
      ...STUBBORN.map(() => ['settled', false, 1]),
      ['settled', true, 1],
    ]);
    expect(answersOf(session).map(({ posts, refused }) => [posts, refused])).toEqual([
      ...STUBBORN.map(() => [0, 0]),
      [1, 0],
    ]);
  });

  it('are reported by us where the server leaves the interrupt unapplied', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls(stubborn('two')));
    session.setFaults({ interrupt_delay_ms: 'never' });
    const handle = await w.begin(session.id, { interruptGraceMs: 1_000 });
    const pids = await untilStubborn(w, 'two');
    session.send({ type: 'user.interrupt' });
    await untilDead(pids);
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError }) => [posted, isError])).toEqual(STUBBORN.map(() => [true, true]));
    for (const [i, text] of textsOf(session).entries())
      expect(text).toMatch(
        new RegExp(`^This ${STUBBORN[i]?.name} call was stopped before it ended: the user interrupted`),
      );
  });

  it('are ended by a person’s stop with no grace, and reported', async () => {
    const w = shared();
    const session = w.session(agent => agent.calls(stubborn('three')));
    const handle = await w.begin(session.id);
    const pids = await untilStubborn(w, 'three');
    expect((await w.run(['stop', session.id, '--now']).exit).code).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    const { state, calls } = await handle.result();
    expect(state).toBe('stopped');
    expect(calls.map(({ posted, isError }) => [posted, isError])).toEqual(STUBBORN.map(() => [true, true]));
    for (const text of textsOf(session)) expect(text).toMatch(/was stopped before it ended: the session was/);
  });
});

describe.concurrent('a running call', () => {
  it('of the primary thread is ended by an interrupt that names this thread; those of a child go on', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([
        tool('deaf', 'primary'),
        { name: 'meet', input: { label: 'child', others: ['primary-stopped'] }, thread: 'child' },
      ]),
    );
    // The server leaves it to us: nothing but the interrupt itself tells whom it means.
    session.setFaults({ interrupt_delay_ms: 'never' });
    const handle = await w.begin(session.id, { interruptGraceMs: 500 });
    await Promise.all([w.effect('begin primary'), w.effect('begin child')]);
    session.send({ type: 'user.interrupt', session_thread_id: primaryOf(session) });
    await eventually('it is reported', () => answersOf(session)[0]?.posts === 1);
    w.note('begin primary-stopped');
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError }) => [posted, isError])).toEqual([
      [true, true],
      [true, false],
    ]);
    expect(textsOf(session)).toEqual([
      expect.stringContaining('was stopped before it ended: the user interrupted the session'),
      'child met all',
    ]);
  });

  it('that another client answers is ended, with all it has started, and nothing is posted for it', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls([
        bash(`${escapees('taken')}; echo "begin taken 0000000000000" >> "$EFFECTS"; sleep 300`),
      ]);
      await agent.call('bash', { command: 'echo next' });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin taken');
    const pids = pidsOf(w, 'pid taken');
    expect(pids.filter(isAlive)).toHaveLength(2);
    const content = [{ type: 'text', text: 'theirs' }];
    session.send({ type: 'user.tool_result', tool_use_id: answersOf(session)[0]?.id, content });
    await untilDead(pids);
    const { calls } = await handle.result();
    expect(calls.map(({ state, posted }) => [state, posted])).toEqual([
      ['settled', false],
      ['settled', true],
    ]);
    expect(answersOf(session)).toMatchObject([
      { posts: 1, refused: 0, text: 'theirs' },
      { posts: 1, refused: 0, text: expect.stringMatching(/next$/) },
    ]);
  });
});

function primaryOf(session: SessionHandle): string {
  const [first] = session.events('session.thread_status_running');
  return String(first?.session_thread_id);
}
