/** Many sessions at the same time, each with one call after the other: what all of it carries. */
import { measure } from '../meter.ts';
import type { Mode, Sizes } from '../mode.ts';
import { serially, times } from '../player.ts';
import { CALLS_PER_SECOND } from './keys.ts';
import { ALL_MODES, EVERYBODY, type Workload } from './workload.ts';

const LIMIT_MS = 300_000;

function manySessions(
  name: string,
  sessions: Sizes,
  calls: Sizes,
  modes: readonly Mode[],
  most?: number,
): Workload {
  return {
    name,
    title: `${sessions.normal} sessions at the same time, no-op calls`,
    peers: EVERYBODY,
    key: CALLS_PER_SECOND,
    sessions,
    modes,
    limitMs: LIMIT_MS,
    ...(most === undefined ? {} : { most }),
    prepare: async stage => {
      const players = await stage.players(sessions[stage.mode]);
      const each = calls[stage.mode];
      // The first call of each starts a tool host, where there are such.
      await Promise.all(
        players.map(player => player.play(LIMIT_MS, agent => serially(agent, times(1, NOOP)))),
      );
      const ids = players.map(({ id }) => id);
      return () =>
        measure(stage, ids, async () => {
          const took = await Promise.all(
            players.map(player => player.play(LIMIT_MS, agent => serially(agent, times(each, NOOP)))),
          );
          return { times: took.flat(), calls: each * players.length };
        });
    },
  };
}

const NOOP = { name: 'noop' };

export const sessions50 = manySessions(
  'sessions-50',
  { quick: 3, normal: 50, full: 50 },
  { quick: 1, normal: 6, full: 20 },
  ALL_MODES,
);

export const sessions200 = manySessions(
  'sessions-200',
  { quick: 4, normal: 200, full: 200 },
  { quick: 2, normal: 3, full: 10 },
  ['full'],
);
