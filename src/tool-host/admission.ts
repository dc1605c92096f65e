/**
 * How many tool hosts live on this machine at a time (I11). A full machine first ends the host that nobody has spoken
 * to for longest and that runs no call; its session loses its shell and is told so by its next bash result.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from './durable-file.ts';
import { exclusively } from './exclusive.ts';
import { closeWorkspace } from './launch.ts';
import { runFolder, shortHash } from './paths.ts';
import { look } from './raise-host.ts';
import { noteFor } from './session-notes.ts';
import { type LiveHost, listServingHosts } from './sweep.ts';

export interface AdmitOptions {
  readonly stateDir: string;
  readonly maxHosts: number;
  readonly sessionId: string;
}

export type Admission =
  /** `closed`: the session whose host was ended to make room. */
  | { readonly kind: 'admitted'; readonly closed?: { readonly sessionId: string } }
  | { readonly kind: 'full'; readonly live: number };

const WAIT_MS = 30_000;
/** How long an admitted session's place is kept until its host lives. */
const RESERVED_MS = 60_000;
const HEALTH_MS = 5_000;

/** Asked before `openWorkspace`. A session whose host lives is always admitted. */
export async function admit(options: AdmitOptions): Promise<Admission> {
  const { stateDir, sessionId, maxHosts } = options;
  return exclusively(join(runFolder(stateDir), 'admission'), WAIT_MS, async () => {
    const live = await listServingHosts(stateDir);
    if (live.some(host => host.sessionId === sessionId)) return { kind: 'admitted' };
    const reserved = await reservations(stateDir, [...live.map(host => host.sessionId), sessionId]);
    const taken = live.length + reserved;
    if (taken < maxHosts) {
      await reserve(stateDir, sessionId);
      return { kind: 'admitted' };
    }
    const closed = await endLeastRecentlyUsed(stateDir, live);
    if (closed === undefined) return { kind: 'full', live: taken };
    await reserve(stateDir, sessionId);
    return { kind: 'admitted', closed: { sessionId: closed.sessionId } };
  });
}

async function endLeastRecentlyUsed(
  stateDir: string,
  live: readonly LiveHost[],
): Promise<LiveHost | undefined> {
  const looked = await Promise.all(
    live.map(async host => ({ host, found: await look(host.paths, HEALTH_MS, undefined) })),
  );
  const idle = looked.flatMap(({ host, found }) =>
    found.kind === 'alive' && found.health.running.length === 0
      ? [{ host, quietMs: found.health.quietMs }]
      : [],
  );
  for (const { host } of idle.sort((a, b) => b.quietMs - a.quietMs)) {
    const { sessionId, incarnation } = host;
    const report = await closeWorkspace({
      stateDir,
      sessionId,
      incarnation,
      killRunning: false,
      graceMs: 0,
    });
    // A call may have begun since we looked: then the next one is asked.
    if (report.kind !== 'closed' && report.kind !== 'not-running') continue;
    await noteFor(host.paths, 'the tool host was ended to make room for another session; its shell is lost');
    return host;
  }
  return undefined;
}

/** Gives up a session's place: its host lives and counts for itself, or did not come to live. */
export async function release(options: Omit<AdmitOptions, 'maxHosts'>): Promise<void> {
  await removeFile(join(runFolder(options.stateDir), reservationName(options.sessionId)));
}

/** Drops the places of sessions whose worker died before it brought their host up. */
export async function dropOldReservations(stateDir: string): Promise<void> {
  await reservations(stateDir, []);
}

/** Places of sessions that were admitted and whose hosts do not live yet. Old ones are dropped. */
async function reservations(stateDir: string, counted: readonly string[]): Promise<number> {
  const own = new Set(counted.map(sessionId => reservationName(sessionId)));
  let places = 0;
  for (const name of await readdir(runFolder(stateDir)).catch(() => [])) {
    if (!name.endsWith('.admitted')) continue;
    const path = join(runFolder(stateDir), name);
    const madeAt = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
    if (own.has(name)) continue;
    // Also one from the future: the clock was set back.
    if (Math.abs(Date.now() - madeAt) > RESERVED_MS) await removeFile(path);
    else places += 1;
  }
  return places;
}

async function reserve(stateDir: string, sessionId: string): Promise<void> {
  await writeFile(join(runFolder(stateDir), reservationName(sessionId)), '', { mode: 0o600 });
}

function reservationName(sessionId: string): string {
  return `${shortHash(sessionId)}.admitted`;
}
