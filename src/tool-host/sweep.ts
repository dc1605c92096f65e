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
import { runFolder, type SessionPaths, sessionFolders, sessionPaths, sessionsFolder } from './paths.ts';
import { isAlive } from './processes.ts';
import { look } from './raise-host.ts';
import { noteFor } from './session-notes.ts';
import { readOwner, type SessionOwner } from './session-owner.ts';

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
  /**
   * Whether an unwanted host may be ended although a call of it runs, and nobody has asked for any for `quietMs`.
   * Absent: always; a rejection counts as no. Its outcome is lost then, so a later run cannot post it.
   */
  readonly mayKill?: (sessionId: string, quietMs: number) => Promise<boolean>;
  /** Whether we are the ones to decide about the session; another deployment's is left alone. Absent: always. */
  readonly isOurs?: (owner: SessionOwner) => boolean;
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
const HEALTH_MS = 5_000;

/** Hosts of this state folder whose processes live. */
export async function listLiveHosts(stateDir: string): Promise<LiveHost[]> {
  return livingIn(stateDir, await sessionFolders(stateDir));
}

/**
 * Those that can be reached. Looks only where a socket is: a machine may keep the files of thousands of sessions, and
 * this is asked whenever one of them comes back.
 */
export async function listServingHosts(stateDir: string): Promise<LiveHost[]> {
  const sockets = new Set(await readdir(runFolder(stateDir)).catch(() => []));
  const names = await readdir(sessionsFolder(stateDir)).catch(() => []);
  const served = names.filter(name => sockets.has(`${name.slice(name.lastIndexOf('-') + 1)}.sock`));
  return livingIn(
    stateDir,
    served.map(name => join(sessionsFolder(stateDir), name)),
  );
}

async function livingIn(stateDir: string, folders: readonly string[]): Promise<LiveHost[]> {
  const records = await Promise.all(folders.map(folder => readJson<HostRecord>(join(folder, 'host.json'))));
  const known = records.filter(record => record !== undefined);
  return known.filter(isAlive).map(({ sessionId, incarnation, pid }) => ({
    sessionId,
    incarnation,
    pid,
    paths: sessionPaths(stateDir, sessionId),
  }));
}

export async function sweepHosts(options: SweepOptions): Promise<SweepReport> {
  const { stateDir, isWanted, isOurs = () => true } = options;
  // Before the journals are read: a host that starts meanwhile is then not among those looked at.
  const marked = markedProcesses('HOLDFAST_HOST', `${await hostId(stateDir)}.`);
  const live = await listLiveHosts(stateDir);
  const closed: SweepReport['closed'][number][] = [];
  for (const host of live) {
    const { sessionId, incarnation, paths } = host;
    if (!isOurs((await readOwner(paths.folder)) ?? { sessionId })) continue;
    if (await isWanted(sessionId, incarnation).catch(() => true)) continue;
    const report = await endUnwanted(options, host);
    if (report === undefined) continue;
    closed.push({ sessionId, incarnation, report });
    await noteFor(paths, `the sweep ended the tool host, which no run wanted${whatDied(report)}`);
  }
  const leftovers = await killLeftovers(stateDir, marked, live);
  return { closed, ...leftovers };
}

/** @returns undefined when it was left alone. */
async function endUnwanted(options: SweepOptions, host: LiveHost): Promise<CloseReport | undefined> {
  const { stateDir, isWanted, mayKill = async () => true } = options;
  const { sessionId, incarnation, paths } = host;
  const close = (killRunning: boolean) =>
    closeWorkspace({ stateDir, sessionId, incarnation, killRunning, graceMs: 0 });
  const report = await close(false);
  if (report.kind !== 'busy') return report;
  const found = await look(paths, HEALTH_MS, undefined);
  const quietMs = found.kind === 'alive' ? found.health.quietMs : Number.POSITIVE_INFINITY;
  const killable = await mayKill(sessionId, quietMs).catch(() => false);
  // A new run may have come while we asked: then the call is its own.
  if (!killable || (await isWanted(sessionId, incarnation).catch(() => true))) return undefined;
  return close(true);
}

function whatDied(report: CloseReport): string {
  if (report.kind !== 'closed' && report.kind !== 'not-running') return '';
  const stopped = report.kind === 'closed' ? report.stoppedCalls.map(id => `stopped ${id}`) : [];
  const killed = report.killed.map(what => `killed ${what}`);
  const left = report.survivors.map(what => `could not end ${what}`);
  const all = [...stopped, ...killed, ...left];
  return all.length === 0 ? '' : `: ${all.join('; ')}`;
}

async function killLeftovers(
  stateDir: string,
  marked: ReadonlyMap<string, readonly number[]>,
  live: readonly LiveHost[],
): Promise<Pick<SweepReport, 'killed' | 'survivors'>> {
  const killed: string[] = [];
  const survivors: string[] = [];
  const dead = [...marked.keys()].filter(incarnation => !live.some(host => host.incarnation === incarnation));
  const sessions = dead.length === 0 ? new Map<string, string>() : await readSessions(stateDir);
  for (const incarnation of dead) {
    const sessionId = sessions.get(incarnation);
    const report =
      sessionId === undefined
        ? await killAll({ marks: [`HOLDFAST_HOST=${incarnation}`] }, DEFAULT_LIMITS.killMs)
        : await killDeadHost(stateDir, sessionId, incarnation);
    killed.push(...report.killed);
    survivors.push(...report.survivors);
    if (sessionId === undefined || report.killed.length + report.survivors.length === 0) continue;
    const what = whatDied({ kind: 'not-running', ...report });
    await noteFor(sessionPaths(stateDir, sessionId), `the sweep cleared up after a dead tool host${what}`);
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

/** The sessions of this folder by the incarnation of their journals. */
async function readSessions(stateDir: string): Promise<Map<string, string>> {
  const sessions = new Map<string, string>();
  for (const folder of await sessionFolders(stateDir)) {
    const record = readIncarnation(join(folder, 'journal'));
    if (record !== undefined) sessions.set(record.incarnation, record.sessionId);
  }
  return sessions;
}
