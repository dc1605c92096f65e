/**
 * How a worker says that it is healthy: a file beside its process record in the state folder, written anew every few
 * seconds. A file needs no port and no setting, is there for every supervisor that can run a program, and one that is
 * not renewed tells of a worker that hangs. This side imports no part of Temporal's SDK: probes run it all the time.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from './tool-host/processes.ts';

export const HEALTH_FILE = 'health.json';
export const REPORT_EVERY_MS = 5_000;
/** A disk that is slow or a processor that is busy may delay some of them. */
const STALE_MS = 4 * REPORT_EVERY_MS;

export interface HealthReport {
  readonly roles: readonly string[];
  /** `127.0.0.1:7233/default`. */
  readonly temporal: string;
  /** Since when (Unix ms) Temporal has not answered, and what was said instead; null: it answers. */
  readonly lost: { readonly since: number; readonly reason: string } | null;
  /** It lets go of its work and ends. */
  readonly stopping: boolean;
}

export interface WorkerHealth {
  readonly pid: number;
  readonly roles: readonly string[];
  readonly healthy: boolean;
  /** It ends in order: neither healthy nor ill. */
  readonly stopping: boolean;
  /** One line for a person. */
  readonly text: string;
}

/** Every worker process that lives and uses this state folder. @param now Unix ms */
export function workersHealth(stateDir: string, now = Date.now()): WorkerHealth[] {
  const root = join(stateDir, 'workers');
  return list(root).flatMap(name => {
    const self = parsed<ProcessIdentity>(join(root, name, 'process.json'));
    if (self === undefined || !isAlive(self)) return [];
    return [judged(self.pid, join(root, name, HEALTH_FILE), now)];
  });
}

function judged(pid: number, path: string, now: number): WorkerHealth {
  const report = parsed<HealthReport>(path);
  const ill = { pid, roles: report?.roles ?? [], healthy: false, stopping: false };
  if (report === undefined) return { ...ill, text: 'it has not started to poll yet' };
  const age = now - modified(path);
  const { lost, temporal, roles, stopping } = report;
  if (stopping) return { ...ill, stopping, text: 'it is ending' };
  if (age > STALE_MS)
    return { ...ill, text: `it has said nothing for ${seconds(age)}: it hangs, or the disk is full` };
  if (lost !== null) {
    const text = `Temporal at ${temporal} has not answered for ${seconds(now - lost.since)}: ${lost.reason}`;
    return { ...ill, text };
  }
  return { pid, roles, healthy: true, stopping, text: `Temporal at ${temporal} answers` };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function parsed<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function modified(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1_000))} s`;
}
