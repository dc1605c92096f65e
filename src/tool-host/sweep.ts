/**
 * Clearing a state folder of hosts that nobody wants any more and of what dead hosts have left running. Nothing is
 * killed on the word of a pid: a process is known by pid, start time and boot id, or by its mark.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import type { HostRecord } from './host-config.ts';
import { hostId } from './host-id.ts';
import { readIncarnation } from './journal.ts';
import { killAll, markedProcesses } from './kill.ts';
import { type CloseReport, closeWorkspace } from './launch.ts';
import { killIncarnation } from './leftovers.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { type SessionPaths, sessionPaths, sessionsFolder } from './paths.ts';
import { isAlive } from './processes.ts';

export interface LiveHost {
  readonly sessionId: string;
  readonly incarnation: string;
  readonly pid: number;
  readonly paths: SessionPaths;
}

export interface SweepOptions {
  readonly stateDir: string;
  /** Whether the session's history still means this incarnation. A rejection counts as wanted. */
  readonly isWanted: (sessionId: string, incarnation: string) => Promise<boolean>;
}

export interface SweepReport {
  /** Hosts that lived and were not wanted. */
  readonly closed: readonly {
    readonly sessionId: string;
    readonly incarnation: string;
    readonly report: CloseReport;
  }[];
  /** Leftovers of dead hosts, as `pid command`. */
  readonly killed: readonly string[];
  readonly survivors: readonly string[];
}

/** How long the sweep waits for a session that another worker is opening; then it is left to the next sweep. */
const BUSY_MS = 100;

/** Hosts of this state folder whose processes live. */
export async function listLiveHosts(stateDir: string): Promise<LiveHost[]> {
  const records = await readRecords(stateDir);
  return records.filter(isAlive).map(({ sessionId, incarnation, pid }) => ({
    sessionId,
    incarnation,
    pid,
    paths: sessionPaths(stateDir, sessionId),
  }));
}

export async function sweepHosts({ stateDir, isWanted }: SweepOptions): Promise<SweepReport> {
  // Before the journals are read: a host that starts meanwhile is then not among those looked at.
  const marked = markedProcesses('HOLDFAST_HOST', `${await hostId(stateDir)}.`);
  const live = await listLiveHosts(stateDir);
  const closed: SweepReport['closed'][number][] = [];
  for (const { sessionId, incarnation } of live) {
    if (await isWanted(sessionId, incarnation).catch(() => true)) continue;
    const report = await closeWorkspace({
      stateDir,
      sessionId,
      incarnation,
      killRunning: true,
      graceMs: 0,
    });
    closed.push({ sessionId, incarnation, report });
  }
  const leftovers = await killLeftovers(stateDir, marked, live);
  return { closed, ...leftovers };
}

async function killLeftovers(
  stateDir: string,
  marked: ReadonlyMap<string, readonly number[]>,
  live: readonly LiveHost[],
): Promise<Pick<SweepReport, 'killed' | 'survivors'>> {
  const killed: string[] = [];
  const survivors: string[] = [];
  const sessions = await readSessions(stateDir);
  for (const incarnation of marked.keys()) {
    if (live.some(host => host.incarnation === incarnation)) continue;
    const sessionId = sessions.get(incarnation);
    const report =
      sessionId === undefined
        ? await killAll({ marks: [`HOLDFAST_HOST=${incarnation}`] }, DEFAULT_LIMITS.killMs)
        : await killDeadHost(stateDir, sessionId, incarnation);
    killed.push(...report.killed);
    survivors.push(...report.survivors);
  }
  return { killed, survivors };
}

/** Under the session's lock, and only if no host has come to live since: one that starts is not to be robbed. */
async function killDeadHost(stateDir: string, sessionId: string, incarnation: string) {
  const paths = sessionPaths(stateDir, sessionId);
  const nothing = { killed: [], survivors: [] };
  try {
    return await exclusively(paths.folder, BUSY_MS, async () => {
      const record = await readJson<HostRecord>(paths.hostRecord);
      if (record !== undefined && isAlive(record)) return nothing;
      return killIncarnation(paths, incarnation, DEFAULT_LIMITS.killMs);
    });
  } catch {
    return nothing;
  }
}

async function readRecords(stateDir: string): Promise<HostRecord[]> {
  const records = await Promise.all(
    (await sessionFolders(stateDir)).map(folder => readJson<HostRecord>(join(folder, 'host.json'))),
  );
  return records.filter(record => record !== undefined);
}

/** The sessions of this folder by the incarnation of their journals. */
async function readSessions(stateDir: string): Promise<Map<string, string>> {
  const sessions = new Map<string, string>();
  for (const folder of await sessionFolders(stateDir)) {
    const record = readIncarnation(join(folder, 'journal'));
    if (record !== undefined) sessions.set(record.incarnation, record.sessionId);
  }
  return sessions;
}

async function sessionFolders(stateDir: string): Promise<string[]> {
  const names = await readdir(sessionsFolder(stateDir)).catch(() => []);
  return names.map(name => join(sessionsFolder(stateDir), name));
}
