import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { houseTime } from '../../src/tool-host/house-clock.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const start = { wallMs: 1_800_000_000_000, uptimeMs: HOUR, bootId: 'one' };

let stateDir = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'hf-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

/** Reads the clock for each state of the machine's clocks; the times since the first reading. */
async function passed(...states: readonly Partial<typeof start>[]): Promise<number[]> {
  const first = await houseTime(stateDir, start);
  const times: number[] = [];
  let now = start;
  for (const state of states) {
    now = { ...now, ...state };
    times.push((await houseTime(stateDir, now)) - first);
  }
  return times;
}

describe('the clock of retention', () => {
  test('goes on with the uptime, whatever the wall clock does', async () => {
    const steps = [
      { uptimeMs: 2 * HOUR, wallMs: start.wallMs + HOUR },
      { uptimeMs: 3 * HOUR, wallMs: start.wallMs + 3_650 * DAY },
      { uptimeMs: 4 * HOUR, wallMs: 0 },
    ];
    expect(await passed(...steps)).toEqual([HOUR, 2 * HOUR, 3 * HOUR]);
  });

  test('goes on with the wall clock over a reboot, by a day at most', async () => {
    const steps = [
      { bootId: 'two', uptimeMs: 1_000, wallMs: start.wallMs + 5 * HOUR },
      { bootId: 'three', uptimeMs: 1_000, wallMs: start.wallMs + 3_650 * DAY },
    ];
    expect(await passed(...steps)).toEqual([5 * HOUR, 5 * HOUR + DAY]);
  });

  test('never goes back', async () => {
    const steps = [
      { bootId: 'two', uptimeMs: 1_000, wallMs: 0 },
      { uptimeMs: 500 },
      { uptimeMs: 1_500, wallMs: 5 },
    ];
    expect(await passed(...steps)).toEqual([0, 0, 1_000]);
  });

  test('begins with the wall clock, so that losing its file loses little', async () => {
    await passed({ uptimeMs: 2 * HOUR });
    await rm(join(stateDir, 'clock.json'));
    expect(await houseTime(stateDir, start)).toBe(start.wallMs);
  });
});
