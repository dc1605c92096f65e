/** The API is away while 100 results of 13 sessions wait for it: how soon after its return all of them are there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measure } from '../meter.ts';
import { figure } from './keys.ts';
import { ALL_MODES, DURABLE, type Workload } from './workload.ts';

const SESSIONS = 13;
const RESULTS = 100;
/** Long enough for every call to have been heard of, and for the API to be gone when the first one ends. */
const CALL_MS = 3_000;
const GONE_AFTER_MS = 1_500;
/** What the last post may take once the API is back. */
const RETURN_MS = 120_000;
const AFTER = 'all posted after its return, ms';

/** How many calls each session makes at once: as even as it goes. */
export function sharesOf(results: number, sessions: number): number[] {
  return Array.from({ length: sessions }, (_, i) => Math.floor((results + i) / sessions));
}

export const outage: Workload = {
  name: 'outage',
  title: 'the API away for a while, 100 results of 13 sessions waiting',
  peers: DURABLE,
  key: figure(AFTER, 'ms'),
  sessions: { quick: 2, normal: SESSIONS, full: SESSIONS },
  most: 2,
  warmUps: 0,
  modes: ALL_MODES,
  limitMs: 900_000,
  prepare: async stage => {
    const { mode, emulator, signal } = stage;
    const outageMs = stage.outageMs ?? { quick: 1_000, normal: 20_000, full: 600_000 }[mode];
    const sessions = mode === 'quick' ? 2 : SESSIONS;
    const shares = sharesOf(mode === 'quick' ? 6 : RESULTS, sessions);
    const players = await stage.players(sessions);
    const limitMs = outageMs + GONE_AFTER_MS + RETURN_MS;
    await Promise.all(players.map(player => player.play(RETURN_MS, agent => agent.call('noop'))));
    const ids = players.map(({ id }) => id);
    return () =>
      measure(stage, ids, async () => {
        const answered = players.map((player, i) =>
          player.play(limitMs, agent =>
            agent.calls(
              Array.from({ length: shares[i] ?? 0 }, () => ({ name: 'pause', input: { ms: CALL_MS } })),
            ),
          ),
        );
        const all = Promise.all(answered);
        all.catch(() => {});
        await sleep(GONE_AFTER_MS, undefined, { signal });
        await emulator.goDown();
        await sleep(outageMs, undefined, { signal });
        await emulator.comeUp();
        const returned = performance.now();
        const results = (await all).flat();
        const afterMs = performance.now() - returned;
        const lost = results.filter(({ closed_by, is_error }) => closed_by !== 'result' || is_error).length;
        return {
          times: [afterMs],
          calls: results.length,
          figures: { [AFTER]: afterMs, 'results lost': lost, 'away for, ms': outageMs },
        };
      });
  },
};
