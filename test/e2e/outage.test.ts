/** Servers that are gone for a while: what ran meanwhile is posted once when they are back, and nothing runs again (I5). */
import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { ownTemporal } from './support/own-temporal.ts';
import { world } from './support/world.ts';

const DOWN_MS = 25_000;

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

describe('an API that is down until all retries wait their longest', () => {
  it('with 100 results of 13 sessions waiting: each is posted once, and no tool runs again', async context => {
    const w = await world(context);
    await w.worker();
    const sessions = Array.from({ length: 13 }, (_, s) =>
      w.session(agent =>
        agent.calls([
          ...Array.from({ length: s === 12 ? 3 : 8 }, (_, c) => ({
            name: 'meet',
            input: { label: `s${s}c${c}`, others: ['api-down'] },
          })),
          // Too large for the history: it waits in the journal of its host.
          ...(s === 12 ? [{ name: 'large', input: { bytes: 300_000 } }] : []),
        ]),
      ),
    );
    const last = sessions.at(-1) as SessionHandle;
    last.setFaults({ fail: [{ route: 'send', status: 503, times: 1_000 }] });
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id, { maxIdleMs: 1_000 })));
    // A hundred tools threads start here.
    await eventually('all calls run', () => w.effects('begin s').length === 99, 200_000);
    await w.emulator.goDown();
    const downAt = performance.now();
    w.note('begin api-down');
    await eventually('all outcomes are durable', async () => {
      // A busy worker may be too late for a query now and then.
      const calls = await Promise.all(sessions.map(({ id }) => w.calls(id).catch(() => [])));
      return calls.flat().filter(({ state }) => state === 'finished').length === 100;
    });
    await pause(Math.max(0, DOWN_MS - (performance.now() - downAt)));
    last.clearFaults();
    await w.emulator.comeUp();
    const upAt = performance.now();
    const posted = () => sessions.flatMap(answersOf).filter(({ posts }) => posts > 0).length;
    await eventually('all are posted', () => posted() === 100);
    console.log(`100 results posted ${Math.round(performance.now() - upAt)} ms after the API came back`);
    const summaries = await Promise.all(handles.map(handle => handle.result()));
    const calls = summaries.flatMap(summary => summary.calls);
    expect(
      calls.filter(({ posted, attempts, isError }) => posted && attempts === 1 && !isError),
    ).toHaveLength(100);
    expect(sessions.flatMap(textsOf)).toHaveLength(100);
    expect(w.effects('begin s')).toHaveLength(99);
    expect(w.effects('begin large')).toHaveLength(1);
  });
});

describe('a Temporal server that is killed with SIGKILL', () => {
  it('and comes back on its database: running tools do not notice, nothing is unknown, sessions go on', async context => {
    const temporal = await ownTemporal(context);
    const w = await world(context, { temporal });
    const worker = await w.worker();
    const names = ['t1', 't2', 't3'];
    const running = w.session(agent =>
      agent.calls([
        ...names.map(label => ({ name: 'meet', input: { label, others: ['back'] } })),
        { name: 'meet', input: { label: 'early', others: ['temporal-down'] } },
      ]),
    );
    const serial = w.session(
      ['u1', 'u2', 'u3'].map(label => ({ call: 'effect', input: { label, ms: 1_500 } })),
    );
    const bash = w.session([
      { call: 'bash', input: { command: 'cd /tmp; echo begun >> "$EFFECTS"; sleep 4; echo one' } },
      { call: 'bash', input: { command: 'pwd' } },
    ]);
    const sessions = [running, serial, bash];
    const handles = await Promise.all(sessions.map(({ id }) => w.begin(id, { maxIdleMs: 1_000 })));
    await Promise.all([...names, 'early', 'u1'].map(label => w.effect(`begin ${label}`)));
    await temporal.kill();
    // This one ends while there is nobody to tell.
    w.note('begin temporal-down');
    await pause(6_000);
    await temporal.restart();
    w.note('begin back');
    const summaries = await Promise.all(handles.map(handle => handle.result()));
    for (const { calls } of summaries)
      expect(calls.map(({ posted, attempts, isError }) => [posted, attempts, isError])).toEqual(
        calls.map(() => [true, 1, false]),
      );
    expect(textsOf(running)).toEqual([...names, 'early'].map(label => `${label} met all`));
    expect(textsOf(serial)).toEqual(['did u1', 'did u2', 'did u3']);
    expect(textsOf(bash)).toEqual(['one', '/tmp']);
    expect([...names, 'early', 'u1', 'u2', 'u3'].map(label => w.effects(`begin ${label}`).length)).toEqual(
      Array.from({ length: 7 }, () => 1),
    );
    expect(w.effects('begun')).toHaveLength(1);
    // A line when it went and a line when it came, not one for each poll and heartbeat.
    const said = worker.stderr.split('\n').filter(line => /Temporal at|gRPC|Unavailable/.test(line));
    expect(said).toEqual([
      expect.stringMatching(/WARN {2}Temporal at \S+ cannot be reached; running tools go on: /),
      expect.stringMatching(/INFO {2}Temporal at \S+ is back after \d+ s$/),
    ]);
  });
});
