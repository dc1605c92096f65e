/** The agents of all sessions: each makes rounds of calls until it is told to end, and what they made is kept. */
import type { Agent } from '../../emulator/agent.ts';
import { newId } from '../../emulator/ids.ts';
import type { CallMix, MixedCall } from './call-mix.ts';
import type { Random } from './random.ts';

export interface MadeCall extends MixedCall {
  readonly id: string;
  readonly sessionId: string;
}

export interface Players {
  /** Plays a session; `mix` is its own. */
  script(mix: CallMix, random: Random): (agent: Agent) => Promise<void>;
  /** Grows as the agents make their calls; by id. */
  readonly made: ReadonlyMap<string, MadeCall>;
  /** No agent begins another round. */
  end(): void;
}

/** Between two rounds the agent thinks for up to this long, ms. */
const THINK_MS = 200;
/** How often an agent ends its turn after a round, and waits for the user. */
const IDLE_CHANCE = 0.06;
/** The user's next message comes so late, ms: some runs have ended by then, others are about to. */
const AWAY_MS = [0, 4_000] as const;

/** @param wake sends the session's next message after so many ms, and starts its run where that has ended. */
export function createPlayers(wake: (sessionId: string, afterMs: number) => void): Players {
  const made = new Map<string, MadeCall>();
  let ended = false;
  return {
    made,
    end: () => {
      ended = true;
    },
    script: (mix, random) => async agent => {
      const make = async (calls: readonly MixedCall[]) => {
        const ids = calls.map(call => {
          const id = newId('sevt');
          made.set(id, { ...call, id, sessionId: agent.sessionId });
          return id;
        });
        await agent.calls(calls.map(({ name, input }, i) => ({ name, input, id: ids[i] })));
      };
      const first = mix.first();
      if (first.length > 0) await make(first);
      while (!ended) {
        await make(mix.round());
        if (random.chance(IDLE_CHANCE)) {
          wake(agent.sessionId, random.int(...AWAY_MS));
          await agent.idle();
        } else await agent.wait(random.int(0, THINK_MS));
      }
    },
  };
}
