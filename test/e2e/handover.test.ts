/** Workers that take over from each other, in order or not: running tools never notice (§4, §5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { toolHostPid } from './support/leftovers.ts';
import { world } from './support/world.ts';

const DEPLOYS = 20;
/** On a loaded machine twenty starts of a worker take their time. */
const PATIENT_MS = 900_000;

describe('twenty deploys in a row', () => {
  it(
    'during a long command and beside a session at work: nothing is lost, nothing runs twice',
    async context => {
      const w = await world(context);
      let worker = await w.worker();
      const long = w.session(async agent => {
        const command =
          'echo "begin long 0000000000000" >> "$EFFECTS"; until grep -q "begin deployed" "$EFFECTS"; do sleep 0.2; done; echo ran to its end';
        // Far beyond bash's own limit, should the machine be slow.
        await agent.call('bash', { command, timeout_ms: PATIENT_MS });
      });
      const labels: string[] = [];
      const serial = w.session(async agent => {
        while (!w.effects().includes('begin deployed')) {
          labels.push(`n${labels.length}`);
          await agent.call('effect', { label: labels.at(-1), ms: 1_000 });
        }
      });
      const handles = await Promise.all([long, serial].map(({ id }) => w.begin(id, { maxIdleMs: 1_000 })));
      await w.effect('begin long');
      const host = toolHostPid(w.stateDir, long.id);
      const ends: number[] = [];
      for (let i = 0; i < DEPLOYS; i++) {
        const next = await w.worker();
        const from = performance.now();
        const exit = await worker.end('SIGTERM');
        ends.push(Math.round(performance.now() - from));
        expect(exit).toMatchObject({ code: 0, signal: null });
        worker = next;
      }
      // The one that began it all has served it to its end.
      expect(toolHostPid(w.stateDir, long.id)).toBe(host);
      w.note('begin deployed');
      const [longEnd, serialEnd] = await Promise.all(handles.map(handle => handle.result()));
      expect(longEnd?.calls).toMatchObject([{ posted: true, isError: false, attempts: 1 }]);
      expect(textsOf(long)).toEqual(['ran to its end']);
      expect(w.effects('begin long')).toHaveLength(1);
      expect(serialEnd?.calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual(
        labels.map(() => [true, false, 1]),
      );
      expect(textsOf(serial)).toEqual(labels.map(label => `did ${label}`));
      expect(w.effects('begin n')).toEqual(labels.map(label => `begin ${label}`));
      ends.sort((a, b) => a - b);
      console.log(
        `a worker was gone ${ends[DEPLOYS / 2]} ms after SIGTERM (median; ${ends.at(-1)} ms at most), ${labels.length} calls meanwhile`,
      );
    },
    PATIENT_MS,
  );
});

describe('a worker that is frozen beyond its heartbeat', () => {
  it('with a post on its way: its sibling finds it delivered, and neither posts nor hears for it when it wakes up', async context => {
    const w = await world(context);
    const frozen = await w.worker();
    const session = w.session(async agent => {
      await agent.call('effect', { label: 'before', ms: 1 });
      await agent.call('effect', { label: 'between', ms: 1 });
      await agent.calls([
        { name: 'meet', input: { label: 'after', others: ['awake'] } },
        { name: 'effect', input: { label: 'beside', ms: 1 } },
      ]);
    });
    // Its request reaches the server, its answer finds nobody awake.
    session.setFaults({ latency_ms: { send: 1_500 } });
    const handle = await w.begin(session.id);
    await eventually('its post is on the way', () =>
      w.emulator.requests().some(({ route, session_id }) => route === 'send' && session_id === session.id),
    );
    process.kill(frozen.pid, 'SIGSTOP');
    try {
      session.clearFaults();
      await w.worker();
      await w.effect('begin after');
      await eventually(
        'what came meanwhile is done by the sibling',
        () => answersOf(session)[3]?.posts === 1,
      );
    } finally {
      process.kill(frozen.pid, 'SIGCONT');
    }
    // It has a stream of its own, attempts that are over and an answer to read.
    await sleep(2_000);
    w.note('begin awake');
    const { calls } = await handle.result();
    expect(calls.map(({ posted, isError, attempts }) => [posted, isError, attempts])).toEqual(
      Array.from({ length: 4 }, () => [true, false, 1]),
    );
    expect(textsOf(session)).toEqual(['did before', 'did between', 'after met all', 'did beside']);
    expect(w.effects('begin').filter(line => line !== 'begin awake')).toHaveLength(4);
    expect(frozen.ended).toBe(false);
  });
});
