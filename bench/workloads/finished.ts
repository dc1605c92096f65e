/** After many sessions that have ended: what a worker's start and a call cost then, against before. */
import { measure } from '../meter.ts';
import { serially, times } from '../player.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics/quantiles.ts';
import { figure } from './keys.ts';
import { DURABLE, type Workload } from './workload.ts';

const LIMIT_MS = 1_800_000;
const CALL_MS = 60_000;
const CALLS = 20;
const GROWTH = 'a call after against before';
const AT_A_TIME = 100;

interface Look {
  readonly callMs: number;
  readonly startMs: number;
}

/** A worker is started in place of the one that runs, and a new session makes some calls. */
async function look(stage: Stage): Promise<Look> {
  const { peer } = stage;
  const began = performance.now();
  await peer.add();
  const startMs = performance.now() - began;
  const [old] = peer.workers();
  if (old !== undefined) await peer.strike(old, 'SIGTERM').ended;
  const [player] = await stage.players(1);
  if (player === undefined) throw new Error('no session');
  await player.play(CALL_MS, agent => serially(agent, times(3, { name: 'noop' })));
  const took = await player.play(CALL_MS, agent => serially(agent, times(CALLS, { name: 'noop' })));
  return { callMs: median(took) ?? Number.NaN, startMs };
}

export const finished: Workload = {
  name: 'finished',
  title: 'after 500 sessions that have ended (10,000 with --full)',
  peers: DURABLE,
  key: figure(GROWTH, '×'),
  sessions: { quick: AT_A_TIME, normal: AT_A_TIME, full: AT_A_TIME },
  most: 1,
  warmUps: 0,
  modes: ['normal', 'full'],
  limitMs: LIMIT_MS,
  prepare: async stage => {
    const count = { quick: 10, normal: 500, full: 10_000 }[stage.mode];
    return () =>
      measure(stage, [], async () => {
        const before = await look(stage);
        for (let done = 0; done < count; done += AT_A_TIME) {
          stage.signal.throwIfAborted();
          const some = await stage.players(Math.min(AT_A_TIME, count - done));
          await stage.finish(some);
        }
        const after = await look(stage);
        const figures = {
          'call before, ms': before.callMs,
          'call after, ms': after.callMs,
          [GROWTH]: after.callMs / before.callMs,
          'worker start before, ms': before.startMs,
          'worker start after, ms': after.startMs,
        };
        return { times: [], calls: 2 * CALLS, figures };
      });
  },
};
