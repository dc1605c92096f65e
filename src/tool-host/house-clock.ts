/**
 * The clock that retention counts with. It goes on with the machine's uptime, and over a reboot with the wall clock,
 * by a day at most: a wall clock that jumps ages no workspace while the machine is up, and by one day when it is
 * started with a wrong one. It errs on the side of keeping.
 */
import { uptime } from 'node:os';
import { join } from 'node:path';
import { readJson, replaceFile } from './durable-file.ts';
import { bootId } from './processes.ts';

export interface Clocks {
  /** Unix ms; may jump. */
  readonly wallMs: number;
  /** Milliseconds since the machine was started, sleep included. */
  readonly uptimeMs: number;
  readonly bootId: string;
}

interface ClockRecord extends Clocks {
  readonly time: number;
}

const DAY_MS = 86_400_000;

/**
 * Reads the clock and notes that it was read. Asked by one process at a time.
 *
 * @returns milliseconds; near Unix time where nothing has jumped.
 */
export async function houseTime(stateDir: string, now: Clocks = readClocks()): Promise<number> {
  const path = join(stateDir, 'clock.json');
  const last = await readJson<ClockRecord>(path);
  const time = last === undefined ? now.wallMs : last.time + passed(last, now);
  await replaceFile(path, JSON.stringify({ ...now, time } satisfies ClockRecord));
  return time;
}

function passed(last: Clocks, now: Clocks): number {
  if (last.bootId === now.bootId) return Math.max(0, now.uptimeMs - last.uptimeMs);
  return Math.min(DAY_MS, Math.max(0, now.wallMs - last.wallMs));
}

function readClocks(): Clocks {
  return { wallMs: Date.now(), uptimeMs: Math.round(uptime() * 1_000), bootId: bootId() };
}
