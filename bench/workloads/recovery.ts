/** The worker that serves a session is ended while a second one stands by: how long nothing moves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measure } from '../meter.ts';
import type { Player } from '../player.ts';
import type { Stage } from '../stage.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, DURABLE, type Workload } from './workload.ts';

const LIMIT_MS = 120_000;
/** So that a call is under way whenever the worker is struck. */
const CALL_MS = 200;
/** Calls that the worker has answered before it is struck: it then holds the workflow and the listener. */
const BEFORE = 5;

/**
 * Strikes the worker that serves alone so far, with a second one beside it.
 *
 * @returns ms from the blow to the first result of a call that the agent made after it: by then stream, workflow,
 * tool and post have all found their way again.
 */
async function strikeOnce(stage: Stage, player: Player, how: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  const { peer } = stage;
  const [victim] = peer.workers();
  if (victim === undefined) throw new Error('the worker has ended by itself');
  await peer.add();
  let calls = 0;
  let struckAt: number | undefined;
  const moved = player.play(LIMIT_MS, async agent => {
    while (struckAt === undefined) {
      // Of a call whose tool dies with its worker the result may be an error.
      await agent.call('pause', { ms: CALL_MS });
      calls++;
    }
    // What a tool takes is no part of the recovery.
    await agent.call('noop', {});
    return performance.now() - struckAt;
  });
  moved.catch(() => {});
  while (calls < BEFORE) await Promise.race([sleep(5), moved]);
  // In the middle of a call.
  await sleep(CALL_MS / 2);
  struckAt = performance.now();
  const { ended } = peer.strike(victim, how);
  const took = await moved;
  await ended;
  return took;
}

function recovery(name: string, title: string, how: 'SIGKILL' | 'SIGTERM'): Workload {
  return {
    ...{ name, title },
    peers: DURABLE,
    key: MEDIAN_TIME,
    sessions: { quick: 1, normal: 1, full: 1 },
    warmUps: 0,
    // A killed worker holds up the straightforward program for longer than a quick run has.
    modes: how === 'SIGTERM' ? ALL_MODES : ['normal', 'full'],
    limitMs: LIMIT_MS * 2,
    prepare: async stage => {
      const [player] = await stage.players(1);
      if (player === undefined) throw new Error('no session');
      const rounds = roundsOf(stage);
      await player.play(LIMIT_MS, agent => agent.call('pause', { ms: 1 }));
      return () =>
        measure(stage, [player.id], async () => {
          const times: number[] = [];
          for (let i = 0; i < rounds; i++) times.push(await strikeOnce(stage, player, how));
          return { times, calls: 0 };
        });
    },
  };
}

function roundsOf({ mode, peer }: Stage): number {
  if (mode === 'quick' || peer.name !== 'holdfast') return 1;
  return mode === 'full' ? 10 : 3;
}

export const kill = recovery(
  'kill',
  'kill -9 of the worker, a second one beside it → session moves again',
  'SIGKILL',
);
export const sigterm = recovery(
  'sigterm',
  'SIGTERM of the worker, a second one beside it → session moves again',
  'SIGTERM',
);
