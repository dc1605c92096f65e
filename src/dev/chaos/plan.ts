/** What is done to whom, and when: all drawn from the seed before anything runs. Times in milliseconds. */
import type { Faults } from '../../emulator/faults.ts';
import { createRandom, type Random } from './random.ts';
import type { Phase } from './snapshot.ts';

export const VICTIMS = ['worker', 'tool-host', 'temporal', 'api'] as const;
export type Victim = (typeof VICTIMS)[number];

/**
 * `settled`: when everything is back and calls are in flight · `soon`: right after the strike before, whatever is
 * still down · `return`: as soon as what was killed last is up again, while it takes its work over.
 */
export type When = 'settled' | 'soon' | 'return';

export type Deed =
  /** SIGKILL; started again after `downMs`. */
  | {
      readonly victim: 'worker';
      readonly act: 'kill';
      readonly which: 0 | 1 | 'both';
      readonly downMs: number;
    }
  /** SIGSTOP, SIGCONT after `forMs`: longer than its heartbeat. */
  | { readonly victim: 'worker'; readonly act: 'freeze'; readonly which: 0 | 1; readonly forMs: number }
  /** SIGKILL of this share of the tool hosts that have calls, at least one. */
  | { readonly victim: 'tool-host'; readonly act: 'kill'; readonly share: number }
  /** SIGKILL; started again on its database after `downMs`. */
  | { readonly victim: 'temporal'; readonly act: 'kill'; readonly downMs: number }
  /** Faults of every session for `forMs`. */
  | { readonly victim: 'api'; readonly act: ApiAct; readonly faults: Faults; readonly forMs: number }
  /** Its connections are destroyed, and new ones refused for `forMs`. */
  | { readonly victim: 'api'; readonly act: 'down'; readonly forMs: number }
  /** Every open event stream is destroyed. */
  | { readonly victim: 'api'; readonly act: 'cut' };

export type ApiAct = '5xx' | '429' | 'lose-responses' | 'lose-requests' | 'commit-race' | 'slow';

export type Strike = Deed & {
  readonly when: When;
  readonly afterMs: number;
  /** It waits a little for calls in this phase: left to chance, the short phases would hardly be met. */
  readonly aim: Phase;
};

export interface PlanOptions {
  readonly seed: number;
  readonly victims: readonly Victim[];
}

const WEIGHTS: Readonly<Record<Victim, number>> = { worker: 45, 'tool-host': 22, temporal: 10, api: 23 };

/** Heartbeats time out after 3 s: a worker that sleeps longer has lost its activities when it wakes. */
const FREEZE_MS = [3_500, 7_000] as const;

/** Strikes without end. Each victim is struck once before the weights decide. */
export function* planOf({ seed, victims }: PlanOptions): Generator<Strike, never> {
  const random = createRandom(seed, 'plan');
  const weights: Partial<Record<Victim, number>> = Object.fromEntries(
    victims.map(victim => [victim, WEIGHTS[victim]]),
  );
  const first = shuffled(victims, random);
  let last: Deed | undefined;
  for (;;) {
    const turn = first.shift();
    const moment = turn === undefined ? laterMoment(random) : settledMoment(random);
    // What returns is struck again: the recovery of the recovery.
    const again = moment.when === 'return' && last !== undefined && last.victim !== 'api' ? last : undefined;
    const deed = again ?? deedOf(turn ?? random.weighted(weights), random);
    last = deed;
    yield { ...deed, ...moment, aim: random.weighted(AIMS) };
  }
}

const AIMS: Readonly<Record<Phase, number>> = {
  queued: 5,
  marked: 25,
  running: 22,
  finished: 13,
  posting: 35,
};

type Moment = Pick<Strike, 'when' | 'afterMs'>;

function settledMoment(random: Random): Moment {
  return { when: 'settled', afterMs: random.int(300, 2_000) };
}

function laterMoment(random: Random): Moment {
  const when = random.weighted({ settled: 55, soon: 25, return: 20 });
  if (when === 'settled') return settledMoment(random);
  return { when, afterMs: random.int(0, when === 'soon' ? 1_500 : 500) };
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const drawn = list.map(item => ({ item, at: random.next() }));
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

function deedOf(victim: Victim, random: Random): Deed {
  switch (victim) {
    case 'worker':
      return workerDeed(random);
    case 'tool-host':
      return { victim, act: 'kill', share: random.pick([0.1, 0.25, 0.5, 1]) };
    case 'temporal':
      return { victim, act: 'kill', downMs: random.int(0, 3_000) };
    case 'api':
      return apiDeed(random);
  }
}

function workerDeed(random: Random): Deed {
  const victim = 'worker';
  const which = random.pick([0, 1] as const);
  const act = random.weighted({ one: 50, both: 32, freeze: 18 });
  if (act === 'freeze') return { victim, act, which, forMs: random.int(...FREEZE_MS) };
  const downMs = random.int(0, 1_500);
  return { victim, act: 'kill', which: act === 'both' ? 'both' : which, downMs };
}

function apiDeed(random: Random): Deed {
  const victim = 'api';
  const forMs = random.int(1_000, 4_000);
  const act = random.weighted({ down: 25, cut: 10, ...FAULTS_WEIGHTS });
  if (act === 'down') return { victim, act, forMs };
  if (act === 'cut') return { victim, act };
  return { victim, act, faults: faultsOf(act, random), forMs };
}

const FAULTS_WEIGHTS: Readonly<Record<ApiAct, number>> = {
  '5xx': 12,
  '429': 10,
  'lose-responses': 12,
  'lose-requests': 12,
  'commit-race': 8,
  slow: 14,
};

function faultsOf(act: ApiAct, random: Random): Faults {
  const times = random.int(5, 40);
  switch (act) {
    case '5xx':
      return { fail: [{ status: random.pick([500, 502, 503, 529]), times }] };
    case '429':
      return { fail: [{ route: 'send', status: 429, times, retry_after: random.int(1, 2) }] };
    case 'lose-responses':
      return { lose_responses: times };
    case 'lose-requests':
      return { lose_requests: times };
    case 'commit-race':
      return { commit_race_ms: random.int(200, 1_500), commit_race_hides: random.chance(0.3) };
    case 'slow':
      return random.chance(0.5)
        ? { latency_ms: { send: random.int(300, 2_000), list: random.int(0, 500) } }
        : { answer_delay_ms: random.int(300, 2_000) };
  }
}
