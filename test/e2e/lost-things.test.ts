/** Tool hosts that hang, journals that are damaged or gone: what is not known is told, what is known is kept (§4). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { Failpoints } from './support/crash.ts';
import { eventually } from './support/eventually.ts';
import { isAlive, sessionFolder, toolHostPid } from './support/leftovers.ts';
import { sharedWorld, type World, world } from './support/world.ts';

const shared = sharedWorld(import.meta.url, { env: { HOLDFAST_HOST_HUNG: '3s' } });

const bash = (command: string) => ({ name: 'bash', input: { command } });
const begun = (label: string) => `echo "begin ${label} 0000000000000" >> "$EFFECTS"`;

function hostOf(w: World, session: SessionHandle): number {
  return toolHostPid(w.stateDir, session.id);
}

/** The folder of one call in the session's journal, found by a word of its input. */
function callFolder(w: World, session: SessionHandle, word: string): string {
  const calls = join(sessionFolder(w.stateDir, session.id), 'journal', 'calls');
  const found = readdirSync(calls).find(name =>
    readFileSync(join(calls, name, 'started.json'), 'utf8').includes(word),
  );
  if (found === undefined) throw new Error(`no call of ${word} in ${calls}`);
  return join(calls, found);
}

/** A session whose one large result waits for the API to take it. */
async function withResultWaiting(label: string) {
  const w = shared();
  const session = w.session(async agent => {
    await agent.call('large', { bytes: 300_000 });
    await agent.call('effect', { label: `${label}-next`, ms: 1 });
  });
  session.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
  const handle = await w.begin(session.id);
  await eventually('its result waits', async () => {
    const [call] = await w.calls(session.id).catch(() => []);
    return call?.state === 'finished';
  });
  return { w, session, handle };
}

/** Waits until the API has refused so many more posts. */
async function refusals(session: SessionHandle, more: number): Promise<void> {
  const { emulator } = shared();
  const sends = () =>
    emulator.requests().filter(({ route, session_id }) => route === 'send' && session_id === session.id);
  const before = sends().length;
  await eventually(`${more} more posts are refused`, () => sends().length >= before + more);
}

const LOST = /^This call ran to its end, but its output was lost .* it was not run again\.$/;

describe.concurrent('a tool host that hangs', () => {
  it('is killed after a while: its running calls are reported once, and the session goes on', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls([
        { name: 'effect', input: { label: 'hung-1', ms: 120_000 } },
        bash(`echo evidence; ${begun('hung-2')}; sleep 300`),
      ]);
      await agent.call('bash', { command: 'echo on' });
    });
    const handle = await w.begin(session.id);
    await Promise.all([w.effect('begin hung-1'), w.effect('begin hung-2')]);
    const pid = hostOf(w, session);
    process.kill(pid, 'SIGSTOP');
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual([
      [true, true, 1],
      [true, true, 1],
      [true, false, 1],
    ]);
    const [first, second, on] = textsOf(session);
    expect(first).toMatch(/^The outcome of this effect call is not known/);
    expect(second).toMatch(/^The outcome of this bash call is not known.*evidence/s);
    expect(on).toMatch(/on$/);
    expect(w.effects('begin hung')).toHaveLength(2);
    expect(isAlive(pid)).toBe(false);
  });

  it('and goes on in time has its calls answered as if nothing had been', async () => {
    const w = shared();
    const session = w.session(agent =>
      agent.calls([
        { name: 'effect', input: { label: 'froze-1', ms: 2_500 } },
        bash(`${begun('froze-2')}; sleep 2.5; echo real`),
      ]),
    );
    const handle = await w.begin(session.id);
    await Promise.all([w.effect('begin froze-1'), w.effect('begin froze-2')]);
    const pid = hostOf(w, session);
    for (let i = 0; i < 2; i++) {
      process.kill(pid, 'SIGSTOP');
      await sleep(1_000);
      process.kill(pid, 'SIGCONT');
      await sleep(300);
    }
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual([
      [true, false, 1],
      [true, false, 1],
    ]);
    expect(textsOf(session)).toEqual(['did froze-1', 'real']);
    expect(w.effects('begin froze')).toHaveLength(2);
  });

  it('does not keep a large result from being posted: it stands in the journal', async () => {
    const { w, session, handle } = await withResultWaiting('stored-hung');
    process.kill(hostOf(w, session), 'SIGSTOP');
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([
      { posted: true, isError: false, attempts: 1 },
      { posted: true, isError: false },
    ]);
    expect(textsOf(session)[0]).toHaveLength(300_000);
  });
});

describe.concurrent('a large result that waits in the journal', () => {
  it('is posted from there after its tool host was killed', async () => {
    const { w, session, handle } = await withResultWaiting('stored-killed');
    process.kill(hostOf(w, session), 'SIGKILL');
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, isError: false, attempts: 1 }, {}]);
    expect(textsOf(session)[0]).toHaveLength(300_000);
  });

  it('and that is damaged there is told as lost; its tool does not run again', async () => {
    const { w, session, handle } = await withResultWaiting('stored-damaged');
    truncateSync(join(callFolder(w, session, '300000'), 'content.json'), 1_000);
    // What was read before that may still be on its way.
    await refusals(session, 2);
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }, { posted: true }]);
    expect(textsOf(session)).toEqual([expect.stringMatching(LOST), 'did stored-damaged-next']);
  });

  it('whose tool host and journal are gone is told as lost, and the session goes on', async () => {
    const { w, session, handle } = await withResultWaiting('stored-gone');
    process.kill(hostOf(w, session), 'SIGKILL');
    rmSync(sessionFolder(w.stateDir, session.id), { recursive: true });
    // What was read before that may still be on its way.
    await refusals(session, 2);
    session.clearFaults();
    expect((await handle.result()).calls).toMatchObject([{ posted: true, attempts: 1 }, { posted: true }]);
    expect(textsOf(session)).toEqual([
      expect.stringMatching(LOST),
      expect.stringContaining('did stored-gone-next'),
    ]);
    expect(w.effects('begin stored-gone-next')).toHaveLength(1);
  });
});

describe.concurrent('a journal', () => {
  it('that is gone with its tool host between two calls: nothing ran, so nothing is unknown', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('effect', { label: 'idle-first', ms: 1 });
      process.kill(hostOf(w, session), 'SIGKILL');
      rmSync(sessionFolder(w.stateDir, session.id), { recursive: true });
      await agent.call('effect', { label: 'idle-second', ms: 1 });
    });
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual([
      [true, false, 1],
      [true, false, 1],
    ]);
    expect(textsOf(session)[1]).toMatch(/did idle-second/);
    expect(w.effects('begin idle')).toHaveLength(2);
  });

  it('that is deleted under a running call: its tool is killed, the call unknown, the session goes on', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.calls([
        bash(`setsid sleep 300 & echo "pid robbed $! 0000000000000" >> "$EFFECTS"; sleep 300`),
        { name: 'effect', input: { label: 'robbed', ms: 120_000 } },
      ]);
      await agent.call('effect', { label: 'robbed-next', ms: 1 });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin robbed');
    await eventually('bash runs', () => w.effects('pid robbed').length > 0);
    const pids = [Number(w.effects('pid robbed')[0]?.split(' ').at(-1)), hostOf(w, session)];
    rmSync(join(sessionFolder(w.stateDir, session.id), 'journal'), { recursive: true });
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual([
      [true, true, 1],
      [true, true, 1],
      [true, false, 1],
    ]);
    expect(textsOf(session).map(text => /is not known/.test(text))).toEqual([true, true, false]);
    expect(w.effects('begin robbed')).toHaveLength(2);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('whose birth certificate is torn is lost: what ran is reported, and the session goes on in a new one', async () => {
    const w = shared();
    const session = w.session(async agent => {
      await agent.call('effect', { label: 'torn', ms: 120_000 });
      await agent.call('effect', { label: 'torn-next', ms: 1 });
    });
    const handle = await w.begin(session.id);
    await w.effect('begin torn');
    const journal = join(sessionFolder(w.stateDir, session.id), 'journal');
    truncateSync(join(journal, 'incarnation.json'), 20);
    expect((await handle.result()).calls).toMatchObject([
      { posted: true, isError: true, attempts: 1 },
      { posted: true, isError: false },
    ]);
    expect(answersOf(session).map(({ refused }) => refused)).toEqual([0, 0]);
    expect(w.effects('begin torn')).toHaveLength(2);
  });
});

describe('a disk that stalls', () => {
  it('longer than a host may be silent: the call starts once, and its real result is posted', async context => {
    const folder = mkdtempSync(join(tmpdir(), 'hfp-'));
    context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const points = new Failpoints(folder);
    const w = await world(context, {
      env: { HOLDFAST_HOST_HUNG: '2s', HOLDFAST_FAILPOINTS: points.folder },
    });
    await w.worker();
    const stalls = ['marker.durable', 'tool.ended'] as const;
    const sessions = stalls.map(point => {
      const session = w.session([{ call: 'effect', input: { label: point, ms: 10 } }]);
      points.arm(point, session.id);
      return session;
    });
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id)));
    await Promise.all(sessions.map(({ id }, i) => points.held(stalls[i] ?? 'tool.ended', id)));
    // Beyond what a request waits for its answer, and the look at the host that follows.
    await sleep(9_000);
    for (const [i, { id }] of sessions.entries()) points.release(stalls[i] ?? 'tool.ended', id);
    for (const handle of handles)
      expect((await handle.result()).calls).toMatchObject([{ posted: true, isError: false, attempts: 1 }]);
    expect(sessions.flatMap(textsOf)).toEqual(stalls.map(point => `did ${point}`));
    expect(w.effects('begin')).toHaveLength(2);
  });
});
