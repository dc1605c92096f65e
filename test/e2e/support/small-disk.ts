/** A file system of a few megabytes, on which a test runs out of room for real. */
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';

/** Looks at which nothing had come free, one after the other, before the disk counts as full. */
const QUIET_LOOKS = 10;

export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left, and what comes free from files that were being replaced just then. */
  fill(): Promise<void>;
  /** Gives it back. */
  free(): void;
}

/** Mounts a tmpfs; without the right to do so the test is skipped. Call it before `world`, which ends first. */
export function smallDisk({ onTestFinished, skip }: TestContext, megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'hfd-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    rmSync(folder, { recursive: true });
    skip(`a tmpfs cannot be mounted here: ${error instanceof Error ? error.message : error}`);
  }
  onTestFinished(() => {
    // Lazily: what just ended may still hold a file for a moment.
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  const filler = join(folder, 'filler');
  return {
    folder,
    async fill() {
      for (let quiet = 0; quiet < QUIET_LOOKS; quiet += 1) {
        if (fillOnce(filler) > 0) quiet = 0;
        await sleep(50);
      }
    },
    free: () => rmSync(filler, { force: true }),
  };
}

/** @returns how many bytes there was room for. */
function fillOnce(filler: string): number {
  const file = openSync(filler, 'a');
  try {
    const { size } = fstatSync(file);
    for (const block of [1 << 20, 1 << 12, 1]) writeUntilFull(file, Buffer.alloc(block));
    return fstatSync(file).size - size;
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, block: Buffer): void {
  try {
    while (writeSync(file, block) === block.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
