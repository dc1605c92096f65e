/** One session, one call after the other: what a call costs beside its tool, and what its size adds. */
import { measure } from '../meter.ts';
import type { Sizes } from '../mode.ts';
import { type PlannedCall, serially, times } from '../player.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, EVERYBODY, type Workload } from './workload.ts';

const WARM_UP_CALLS = 3;

function serial(name: string, title: string, call: PlannedCall, calls: Sizes): Workload {
  const limitMs = 120_000;
  return {
    ...{ name, title, limitMs },
    peers: EVERYBODY,
    key: MEDIAN_TIME,
    sessions: { quick: 1, normal: 1, full: 1 },
    modes: ALL_MODES,
    prepare: async stage => {
      const [player] = await stage.players(1);
      if (player === undefined) throw new Error('no session');
      const count = calls[stage.mode];
      await player.play(limitMs, agent => serially(agent, times(WARM_UP_CALLS, call)));
      return () =>
        measure(
          stage,
          [player.id],
          async () => {
            const took = await player.play(limitMs, agent => serially(agent, times(count, call)));
            return { times: took, calls: count };
          },
          { countsActions: name === 'no-op' },
        );
    },
  };
}

export const noOp = serial(
  'no-op',
  'no-op calls, one after the other',
  { name: 'noop' },
  { quick: 5, normal: 120, full: 400 },
);

export const result64k = serial(
  'result-64k',
  'results of 64 kB, one after the other',
  { name: 'answer', input: { bytes: 64_000 } },
  { quick: 2, normal: 20, full: 100 },
);

export const result1900k = serial(
  'result-1900k',
  'results of 1.9 MB, one after the other',
  { name: 'answer', input: { bytes: 1_900_000 } },
  { quick: 1, normal: 5, full: 20 },
);
