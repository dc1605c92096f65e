/** Four calls in one turn that take 500 ms each: how much of them runs at the same time. */

import type { Agent } from '../../src/emulator/agent.ts';
import { measure } from '../meter.ts';
import { mustBeWell } from '../player.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, EVERYBODY, type Workload } from './workload.ts';

const CALLS = Array.from({ length: 4 }, () => ({ name: 'pause', input: { ms: 500 } }));
const LIMIT_MS = 60_000;

/** From the calls to the last result, ms. */
async function together(agent: Agent): Promise<number> {
  const began = performance.now();
  const results = await agent.calls(CALLS);
  const took = performance.now() - began;
  results.forEach(mustBeWell);
  return took;
}

export const fourCalls: Workload = {
  name: 'four-calls',
  title: '4 calls × 500 ms in one turn',
  peers: EVERYBODY,
  key: MEDIAN_TIME,
  sessions: { quick: 1, normal: 1, full: 1 },
  modes: ALL_MODES,
  limitMs: LIMIT_MS,
  prepare: async stage => {
    const [player] = await stage.players(1);
    if (player === undefined) throw new Error('no session');
    const rounds = { quick: 1, normal: 2, full: 10 }[stage.mode];
    await player.play(LIMIT_MS, together);
    return () =>
      measure(stage, [player.id], async () => {
        const times: number[] = [];
        for (let i = 0; i < rounds; i++) times.push(await player.play(LIMIT_MS, together));
        return { times, calls: rounds * CALLS.length };
      });
  },
};
