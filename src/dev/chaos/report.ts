/** What a run comes to, as figures: the JSON of `--json`, and what the table for people is made of. Pure. */
import type { Gathered } from './evidence.ts';
import { VICTIMS, type Victim } from './plan.ts';
import { recoveriesOf, type Spread, spreadOf } from './recovery.ts';
import { PHASES, type Phase } from './snapshot.ts';
import type { Struck } from './striker.ts';
import { judge } from './verdict.ts';

export interface ChaosReport {
  readonly ok: boolean;
  readonly runner: 'holdfast' | 'sdk';
  readonly seed: number;
  readonly sessions: number;
  /** When it began (ISO), and on what: figures of time mean nothing without. */
  readonly at: string;
  readonly cpus: number;
  readonly node: string;
  /** Strikes that were carried out, by victim. */
  readonly strikes: Readonly<Partial<Record<Victim, number>>>;
  readonly tookMs: number;
  readonly calls: number;
  readonly caught: {
    /** Different calls that were in flight at a strike. */
    readonly calls: number;
    /** Calls in flight, counted at each strike. */
    readonly catches: number;
    /** Catches by phase; and different calls. */
    readonly phases: Readonly<Record<Phase, number>>;
    readonly callsInPhase: Readonly<Record<Phase, number>>;
    readonly byVictim: Readonly<Partial<Record<Victim, Readonly<Record<Phase, number>>>>>;
  };
  readonly doubled: number;
  readonly lost: number;
  readonly stuck: number;
  readonly unknown: Readonly<Partial<Record<Victim, number>>>;
  readonly wronglyUnknown: number;
  readonly startedAgain: number;
  readonly recoveryMs: Spread | null;
  readonly recoveryMsByVictim: Readonly<Partial<Record<Victim, Spread>>>;
  /** Processes that ended although nobody killed them. */
  readonly endedByThemselves: readonly string[];
  /** One line each. */
  readonly problems: readonly string[];
  /** What runs the same plan again. */
  readonly repeat: string;
}

export interface Outcome extends Gathered {
  readonly strikes: readonly Struck[];
  readonly stuck: readonly string[];
  readonly endedByThemselves: readonly string[];
}

export type RunFacts = Pick<
  ChaosReport,
  'runner' | 'seed' | 'sessions' | 'at' | 'cpus' | 'node' | 'tookMs' | 'repeat'
>;

export function reportOf(facts: RunFacts, outcome: Outcome): ChaosReport {
  const { strikes, stuck, calls, progress, endedByThemselves } = outcome;
  const { doubled, lost, wronglyUnknown, unknown, startedAgain } = judge(calls);
  const struck = VICTIMS.filter(victim => strikes.some(strike => strike.victim === victim));
  const of = (victim: Victim) => strikes.filter(strike => strike.victim === victim);
  const byVictim = <T>(value: (strikes: readonly Struck[]) => T | undefined) =>
    Object.fromEntries(
      struck.flatMap(victim => {
        const found = value(of(victim));
        return found === undefined ? [] : [[victim, found]];
      }),
    ) as Partial<Record<Victim, T>>;
  const problems = [...doubled, ...lost, ...wronglyUnknown, ...stuck];
  const caught = strikes.flatMap(strike => strike.caught);
  if (caught.length === 0) problems.push('no call was in flight at any strike: nothing is proved');
  return {
    ok: problems.length === 0,
    ...facts,
    strikes: byVictim(list => list.length),
    calls: calls.length,
    caught: {
      calls: new Set(caught.map(({ id }) => id)).size,
      catches: caught.length,
      phases: phasesOf(strikes),
      callsInPhase: distinctPhasesOf(strikes),
      byVictim: byVictim(phasesOf),
    },
    doubled: doubled.length,
    lost: lost.length,
    stuck: stuck.length,
    unknown: unknown > 0 ? { 'tool-host': unknown } : {},
    wronglyUnknown: wronglyUnknown.length,
    startedAgain,
    recoveryMs: spreadOf(recoveriesOf(strikes, progress)) ?? null,
    recoveryMsByVictim: byVictim(list => spreadOf(recoveriesOf(list, progress))),
    endedByThemselves,
    problems,
  };
}

function phasesOf(strikes: readonly Struck[]): Record<Phase, number> {
  const caught = strikes.flatMap(strike => strike.caught);
  return perPhase(phase => caught.filter(call => call.phase === phase).length);
}

function distinctPhasesOf(strikes: readonly Struck[]): Record<Phase, number> {
  const caught = strikes.flatMap(strike => strike.caught);
  return perPhase(phase => new Set(caught.filter(call => call.phase === phase).map(({ id }) => id)).size);
}

function perPhase(value: (phase: Phase) => number): Record<Phase, number> {
  return Object.fromEntries(PHASES.map(phase => [phase, value(phase)])) as Record<Phase, number>;
}
