/** Thousands of calls in one session, across many continue-as-new: whether a call costs more the longer it lasts. */
import { measure } from '../meter.ts';
import type { Mode, Sizes } from '../mode.ts';
import { serially, times } from '../player.ts';
import { median } from '../statistics/quantiles.ts';
import { figure } from './keys.ts';
import { ALL_MODES, DURABLE, type Workload } from './workload.ts';

/** The calls before are for warming up. */
const FROM = 10;
/** Calls at each end whose medians are compared. */
const WINDOW = 50;
const RATIO = 'last calls against first';

/** Undefined where there are too few to tell the ends apart. */
export function growthOf(
  took: readonly number[],
  window = WINDOW,
): { readonly first: number; readonly last: number } | undefined {
  const first = median(took.slice(FROM, FROM + window));
  const last = median(took.slice(Math.max(FROM, took.length - window)));
  return first === undefined || last === undefined ? undefined : { first, last };
}

function longSession(name: string, calls: Sizes, modes: readonly Mode[]): Workload {
  const limitMs = calls.normal * 250;
  return {
    ...{ name, limitMs, modes },
    title: `${calls.normal.toLocaleString('en-US')} calls in one session`,
    peers: DURABLE,
    key: figure(RATIO, '×'),
    sessions: { quick: 1, normal: 1, full: 1 },
    most: 1,
    warmUps: 0,
    prepare: async stage => {
      const [player] = await stage.players(1);
      if (player === undefined) throw new Error('no session');
      const count = calls[stage.mode];
      return () =>
        measure(stage, [player.id], async () => {
          const took = await player.play(limitMs, agent => serially(agent, times(count, { name: 'noop' })));
          const ends = growthOf(took, Math.min(WINDOW, Math.floor(count / 4)));
          const figures =
            ends === undefined
              ? {}
              : {
                  'first calls, ms': ends.first,
                  'last calls, ms': ends.last,
                  [RATIO]: ends.last / ends.first,
                };
          return { times: took.slice(FROM), calls: count, figures };
        });
    },
  };
}

export const calls2000 = longSession('calls-2000', { quick: 14, normal: 2_000, full: 2_000 }, ALL_MODES);
export const calls10000 = longSession('calls-10000', { quick: 14, normal: 10_000, full: 10_000 }, ['full']);
