/** Faults of the emulated API that come and go; a little slowness is always there, as over a real network. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from '../../emulator/faults.ts';
import type { Emulator } from '../../emulator/server.ts';

/** What a post takes to be answered anyway, ms. */
const ANSWER_MS = 300;

const NONE: Required<Pick<Faults, FaultKey>> = {
  latency_ms: {},
  answer_delay_ms: ANSWER_MS,
  fail: [],
  lose_responses: 0,
  lose_requests: 0,
  commit_race_ms: 0,
  commit_race_hides: false,
};

type FaultKey =
  | 'latency_ms'
  | 'answer_delay_ms'
  | 'fail'
  | 'lose_responses'
  | 'lose_requests'
  | 'commit_race_ms'
  | 'commit_race_hides';

export function clearFaults(emulator: Emulator): void {
  emulator.setFaults(NONE);
}

/** Sets faults; the promise resolves when they are gone again. */
export async function setFaultsFor(
  emulator: Emulator,
  faults: Faults,
  forMs: number,
  signal: AbortSignal,
): Promise<void> {
  emulator.setFaults(faults);
  await sleep(forMs, undefined, { signal });
  const keys = Object.keys(faults) as FaultKey[];
  emulator.setFaults(Object.fromEntries(keys.map(key => [key, NONE[key]])));
}

/** Takes the API down; the promise resolves when it is back. */
export async function takeDownFor(emulator: Emulator, forMs: number, signal: AbortSignal): Promise<void> {
  await emulator.goDown();
  await sleep(forMs, undefined, { signal });
  await emulator.comeUp();
}
