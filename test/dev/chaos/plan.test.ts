import { expect, test } from 'vitest';
import { planOf, type Strike, VICTIMS, type Victim } from '../../../src/dev/chaos/plan.ts';
import { createRandom } from '../../../src/dev/chaos/random.ts';
import { faultsSchema } from '../../../src/emulator/faults.ts';

function plan(seed: number, kills: number, victims: readonly Victim[] = VICTIMS): Strike[] {
  const strikes = planOf({ seed, victims });
  return Array.from({ length: kills }, () => strikes.next().value);
}

test('the same seed gives the same plan, another seed another one', () => {
  expect(plan(7, 60)).toEqual(plan(7, 60));
  expect(plan(8, 60)).not.toEqual(plan(7, 60));
});

test('a longer plan begins with the shorter one: --kills only cuts', () => {
  expect(plan(7, 60).slice(0, 10)).toEqual(plan(7, 10));
});

test('a short plan strikes every victim', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const victims = plan(seed, VICTIMS.length).map(({ victim }) => victim);
    expect(victims.sort(), `seed ${seed}`).toEqual([...VICTIMS].sort());
  }
});

test('only the victims that are asked for are struck', () => {
  const struck = new Set(plan(3, 200, ['worker', 'api']).map(({ victim }) => victim));
  expect([...struck].sort()).toEqual(['api', 'worker']);
});

test('60 kills hold what a recovery is afraid of', () => {
  for (const seed of [1, 2, 3]) {
    const strikes = plan(seed, 60);
    const has = (what: (strike: Strike, before: Strike | undefined) => boolean) =>
      strikes.filter((strike, i) => what(strike, strikes[i - 1])).length;
    expect(
      has(({ when }) => when !== 'settled'),
      'in a row',
    ).toBeGreaterThan(10);
    expect(
      has(
        ({ victim, when }, before) => when === 'return' && victim === 'worker' && before?.victim === 'worker',
      ),
      'a worker that takes over is killed again',
    ).toBeGreaterThan(0);
    expect(
      has(strike => strike.victim === 'worker' && strike.act === 'kill' && strike.which === 'both'),
    ).toBeGreaterThan(0);
    expect(has(strike => strike.victim === 'worker' && strike.act === 'freeze')).toBeGreaterThan(0);
  }
});

test('a worker is frozen for longer than its heartbeat', () => {
  const frozen = plan(5, 500).flatMap(strike => (strike.act === 'freeze' ? [strike.forMs] : []));
  expect(frozen.length).toBeGreaterThan(0);
  expect(Math.min(...frozen)).toBeGreaterThan(3_000);
});

test('every fault that is drawn is one that the emulator knows', () => {
  for (const strike of plan(9, 500)) {
    if ('faults' in strike) expect(() => faultsSchema.parse(strike.faults)).not.toThrow();
  }
});

test('what one stream of a seed draws does not change another', () => {
  const first = createRandom(1, 'a');
  const second = createRandom(1, 'b');
  const drawn = Array.from({ length: 5 }, () => second.next());
  expect(drawn).not.toEqual(Array.from({ length: 5 }, () => first.next()));
  const again = createRandom(1, 'b');
  createRandom(1, 'a').next();
  expect(Array.from({ length: 5 }, () => again.next())).toEqual(drawn);
});

test('draws stay in their bounds, and a weight of 0 is never drawn', () => {
  const random = createRandom(4, 'bounds');
  const drawn = Array.from({ length: 2_000 }, () => random.int(3, 5));
  expect(new Set(drawn)).toEqual(new Set([3, 4, 5]));
  const weighed = Array.from({ length: 500 }, () => random.weighted({ never: 0, often: 9, rarely: 1 }));
  expect(new Set(weighed)).toEqual(new Set(['often', 'rarely']));
});
