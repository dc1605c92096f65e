/**
 * Failpoints, for tests that kill a process at an exact step. Off, as in every real deployment, one costs a
 * look at a variable. On (`HOLDFAST_FAILPOINTS`, read in config.ts), a folder says where to hold:
 *
 *   <folder>/<name>@<session id>   or   <folder>/<name>   arms a point, for one session or for any
 *   … .held                        the first process that came to it holds there: `{pid, kind}`
 *
 * The process holds, and goes on with everything else, until the `.held` file is removed or it is killed. A
 * point that is not armed (any more) is passed.
 */
import { readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAILPOINT_NAMES, type Failpoint } from './failpoints.ts';

/** What stands in a `.held` file. */
export interface Held {
  readonly pid: number;
  readonly kind: ProcessKind;
}

export type ProcessKind = 'worker' | 'tool host';

interface Settings {
  readonly folder: string;
  readonly kind: ProcessKind;
  /** The one session that this process serves. */
  readonly sessionId?: string | undefined;
}

const POLL_MS = 10;

let settings: Settings | undefined;

/** Turns failpoints on for the rest of this process's life. */
export function turnOnFailpoints(on: Settings): void {
  settings = on;
}

/** The folder that arms them; undefined where they are off. */
export function failpointFolder(): string | undefined {
  return settings?.folder;
}

/** @param sessionId needed where the process serves many. */
export function failpoint(name: Failpoint, sessionId?: string): Promise<void> | undefined {
  return settings === undefined ? undefined : hold(settings, name, sessionId ?? settings.sessionId);
}

/** @returns what is wrong with a folder that is to arm failpoints; undefined where nothing is. */
export function failpointProblem(folder: string): string | undefined {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return `${folder} is not a folder`;
  const files = readdirSync(folder).filter(file => !file.startsWith('.'));
  const unknown = files.find(file => !isKnown(file.replace(/\.held$/, '').replace(/@.*$/, '')));
  if (unknown === undefined) return undefined;
  return `${unknown} names no failpoint; there are ${FAILPOINT_NAMES.join(', ')}`;
}

async function hold({ folder, kind }: Settings, name: Failpoint, sessionId: string | undefined) {
  for (const file of [`${name}@${sessionId}`, name]) {
    const armed = join(folder, file);
    const claim = join(folder, `.${file}.${process.pid}`);
    // Only one process can rename it, and nobody sees the claim before it says whose it is.
    if (!moved(armed, claim)) continue;
    writeFileSync(claim, JSON.stringify({ pid: process.pid, kind } satisfies Held));
    renameSync(claim, `${armed}.held`);
    while (statSync(`${armed}.held`, { throwIfNoEntry: false }) !== undefined) await sleep(POLL_MS);
    return;
  }
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function isKnown(name: string): name is Failpoint {
  return (FAILPOINT_NAMES as readonly string[]).includes(name);
}
