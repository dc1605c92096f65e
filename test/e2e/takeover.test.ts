/** A machine that is lost, or only cut off: another one goes on, and never two at once (§4, A lost host). */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { textsOf } from './support/answers.ts';
import { cuttable } from './support/cuttable.ts';
import { eventually } from './support/eventually.ts';
import { sessionFolder, toolHostPid, toolProcesses } from './support/leftovers.ts';
import { type World, world } from './support/world.ts';

const LOST = { env: { HOLDFAST_HOST_LOST: '4s' } };
const LEAVE = 'echo "$L 0000000000000" >> "$EFFECTS"';
const TICK = `for i in $(seq 600); do L="tick"; echo "tick $(date +%s%3N)" >> "$EFFECTS"; sleep 0.1; done`;

function otherHost(w: World): Record<string, string> {
  return { HOLDFAST_STATE_DIR: join(w.folder, 'other') };
}

/** Waits until the session's calls run somewhere, and the first has begun. */
async function begun(w: World, line: string): Promise<void> {
  await eventually(line, () => w.effectLines().some(effect => effect.startsWith(line)));
}

/** The machine dies: its worker and everything of its tool hosts at once. */
function killMachine(stateDir: string, workerPid: number): void {
  process.kill(workerPid, 'SIGKILL');
  for (const pid of toolProcesses(stateDir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was a command that has just ended.
    }
  }
}

const twoCalls = async (agent: Agent) => {
  await agent.calls([
    { name: 'bash', input: { command: `echo mine > f.txt; ${TICK}` } },
    { name: 'bash', input: { command: `L="second"; ${LEAVE}; cat f.txt` } },
  ]);
  await agent.call('bash', { command: `L="third"; ${LEAVE}; echo fine` });
};

/** A session on a machine of its own, its first call running, its second waiting behind it. */
async function underWay(context: TestContext) {
  const w = await world(context, LOST);
  const here = await w.worker();
  const session = w.session(twoCalls);
  const handle = await w.begin(session.id);
  await begun(w, 'tick');
  return { w, here, session, handle };
}

describe.concurrent('another machine takes over', () => {
  it('when one dies: what ran there is reported, what waited runs once, and the agent is told what is gone', async context => {
    const { w, here, session, handle } = await underWay(context);
    killMachine(w.stateDir, here.pid);
    await w.run(['worker'], otherHost(w)).says('worker ready');
    const { calls, state, host } = await handle.result();
    expect([state, calls.map(call => call.posted)]).toEqual(['done', [true, true, true]]);
    const [first = '', second = '', third = ''] = textsOf(session);
    expect(first).toMatch(/not known.*another one has taken over/);
    expect(first).toMatch(/Call: bash: echo mine.*its end was not seen.*What it had written is lost/s);
    expect(second).toContain('No such file');
    expect([first, second, third].filter(text => text.includes('is lost. The tools now run'))).toHaveLength(
      1,
    );
    expect(third).toMatch(/^fine/);
    expect([w.effects('second').length, w.effects('third').length]).toEqual([1, 1]);
    expect(host).not.toBeNull();
    expect(sessionFolder(join(w.folder, 'other'), session.id)).toBeTruthy();
  });

  it('when one is cut off from Temporal: its tools are dead before the other starts one, and it changes nothing when it is back', async context => {
    // A fifth of it is what a busy machine has for ending the tools.
    const w = await world(context, { env: { HOLDFAST_HOST_LOST: '8s' } });
    const way = await cuttable(w.env.TEMPORAL_ADDRESS ?? '');
    context.onTestFinished(() => way.close());
    const here = await w
      .run(['worker', '--roles', 'tools'], { TEMPORAL_ADDRESS: way.address })
      .says('worker ready');
    await w.worker('--roles', 'sessions,listeners');
    const session = w.session(twoCalls);
    const handle = await w.begin(session.id);
    await begun(w, 'tick');
    const there = await w.run(['worker', '--roles', 'tools'], otherHost(w)).says('worker ready');
    way.cut();
    await begun(w, 'second');
    const second = w.effectLines().findIndex(line => line.startsWith('second'));
    await sleep(500);
    expect(
      w
        .effectLines()
        .slice(second)
        .filter(line => line.startsWith('tick')),
    ).toEqual([]);
    way.mend();
    const { calls, state } = await handle.result();
    expect([state, calls.map(call => call.posted)]).toEqual(['done', [true, true, true]]);
    expect(textsOf(session)[0]).toMatch(/not known/);
    expect([w.effects('second').length, w.effects('third').length]).toEqual([1, 1]);
    // Both live on one machine here, so the successor would find and kill what had not ended itself.
    const { record } = await w.status(session.id);
    expect(record.filter(({ what }) => what.startsWith('Killed'))).toEqual([]);
    // It is back for good: it takes new sessions, and dies in order.
    await there.end('SIGTERM');
    const later = w.session([{ call: 'effect', input: { label: 'later', ms: 1 } }]);
    expect((await (await w.begin(later.id)).result()).calls).toMatchObject([
      { posted: true, isError: false },
    ]);
    expect(here.ended).toBe(false);
  });

  it('also for a new run: what the one before had started is reported, not run again', async context => {
    const { w, here, session, handle: first } = await underWay(context);
    await first.terminate('by hand');
    killMachine(w.stateDir, here.pid);
    const ticks = w.effectLines().length;
    await w.run(['worker'], otherHost(w)).says('worker ready');
    const { calls } = await (await w.begin(session.id)).result();
    expect(calls.map(call => call.posted)).toEqual([true, true, true]);
    expect(textsOf(session)[0]).toMatch(/not known.*an earlier run of the session had started it/);
    expect(w.effectLines().filter(line => line.startsWith('tick')).length).toBeLessThanOrEqual(ticks);
    expect([w.effects('second').length, w.effects('third').length]).toEqual([1, 1]);
  });

  it('not while its own worker is only slow to come back: the host fences its tools, answers for them and keeps its files', async context => {
    const { w, here, session, handle } = await underWay(context);
    const pid = toolHostPid(w.stateDir, session.id);
    await here.end('SIGKILL');
    await eventually('the tool host has fenced itself', () => !toolProcesses(w.stateDir).includes(pid));
    expect(toolProcesses(w.stateDir)).toEqual([]);
    await w.worker();
    const { calls } = await handle.result();
    expect(calls.map(call => call.posted)).toEqual([true, true, true]);
    const [report = '', second = ''] = textsOf(session);
    expect(report).toMatch(/not known: its machine heard nothing from Temporal for \d+ s and ended the tool/);
    expect(second).toMatch(/mine$/);
    expect([w.effects('second').length, w.effects('third').length]).toEqual([1, 1]);
  });
});

it('a result that only the lost machine had: the agent is told that the call ran and its output is lost', async context => {
  const w = await world(context, LOST);
  const here = await w.worker();
  const session = w.session([
    { call: 'large', input: { bytes: 300_000 } },
    { call: 'effect', input: { label: 'next', ms: 1 } },
  ]);
  w.emulator.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
  const handle = await w.begin(session.id);
  await eventually('the result waits', async () => (await w.calls(session.id))[0]?.state === 'finished');
  killMachine(w.stateDir, here.pid);
  // What the dead worker had sent is refused still.
  await sleep(1_000);
  w.emulator.setFaults({ fail: [] });
  await w.run(['worker'], otherHost(w)).says('worker ready');
  const { calls } = await handle.result();
  expect(calls.map(call => [call.posted, call.isError])).toEqual([
    [true, true],
    [true, false],
  ]);
  expect(textsOf(session)[0]).toMatch(/ran to its end, but its output was lost/);
  expect(w.effects('begin large')).toHaveLength(1);
});

it('a journal that is gone when a new run starts: what the run before had started is not run again', async context => {
  const w = await world(context);
  const here = await w.worker();
  const session = w.session(twoCalls);
  const first = await w.begin(session.id);
  await begun(w, 'tick');
  await first.terminate('by hand');
  killMachine(w.stateDir, here.pid);
  rmSync(join(sessionFolder(w.stateDir, session.id), 'journal'), { recursive: true });
  await w.worker();
  const { calls } = await (await w.begin(session.id)).result();
  expect(calls.map(call => call.posted)).toEqual([true, true, true]);
  expect(textsOf(session)[0]).toMatch(/not known/);
  expect([w.effects('second').length, w.effects('third').length]).toEqual([1, 1]);
});
