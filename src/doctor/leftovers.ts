/** What hosts and workers that are gone have left in the state folder. Only looks: a worker's sweep clears it. */
import { join } from 'node:path';
import { readJson } from '../tool-host/durable-file.ts';
import { markedProcesses } from '../tool-host/kill.ts';
import { sessionFolders } from '../tool-host/paths.ts';
import { readOwner } from '../tool-host/session-owner.ts';
import { listLiveHosts } from '../tool-host/sweep.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

const CHECK = 'leftovers';
const SWEPT = 'a worker with the role tools clears it at its start, and every HOLDFAST_SWEEP';

export interface LeftoverOptions {
  readonly stateDir: string;
  /** Whether a run of the session means this host; undefined: Temporal cannot be asked. */
  readonly isWanted?: ((sessionId: string, incarnation: string) => Promise<boolean>) | undefined;
}

export async function lookForLeftovers({ stateDir, isWanted }: LeftoverOptions): Promise<readonly Finding[]> {
  try {
    const live = await listLiveHosts(stateDir);
    const host = await readJson<{ id?: unknown }>(join(stateDir, 'host-id'));
    const marked = typeof host?.id === 'string' ? markedProcesses('HOLDFAST_HOST', `${host.id}.`) : new Map();
    const alive = new Set(live.map(({ incarnation }) => incarnation));
    const dead = [...marked].filter(([incarnation]) => !alive.has(incarnation)).flatMap(([, pids]) => pids);
    const unwanted: string[] = [];
    if (isWanted !== undefined)
      for (const { sessionId, incarnation } of live)
        if (!(await isWanted(sessionId, incarnation))) unwanted.push(sessionId);
    const folders = await sessionFolders(stateDir);
    const owners = await Promise.all(folders.map(folder => readOwner(folder).catch(() => undefined)));
    const ownerless = folders.filter((_, index) => owners[index] === undefined);
    return findings(folders.length, live.length, { dead, unwanted, ownerless });
  } catch (error) {
    return [
      broken(
        CHECK,
        `cannot be looked for: ${(error as Error).message}`,
        'may this user read the state folder?',
      ),
    ];
  }
}

interface Left {
  readonly dead: readonly number[];
  readonly unwanted: readonly string[];
  readonly ownerless: readonly string[];
}

function findings(
  workspaces: number,
  hosts: number,
  { dead, unwanted, ownerless }: Left,
): readonly Finding[] {
  const all: Finding[] = [];
  const several = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  if (dead.length > 0)
    all.push(
      warning(
        CHECK,
        `${dead.length} process${dead.length === 1 ? '' : 'es'} of dead tool hosts: ${shown(dead)}`,
        SWEPT,
      ),
    );
  if (unwanted.length > 0)
    all.push(
      warning(CHECK, `${several(unwanted.length, 'tool host')} that no run wants: ${shown(unwanted)}`, SWEPT),
    );
  if (ownerless.length > 0)
    all.push(
      warning(
        CHECK,
        `${several(ownerless.length, 'folder')} of which nothing tells whose it is: ${shown(ownerless)}`,
        'look into it, and remove it by hand',
      ),
    );
  if (all.length > 0) return all;
  return [ok(CHECK, `none; ${several(workspaces, 'workspace')}, ${several(hosts, 'tool host')} at work`)];
}

function shown(items: readonly (string | number)[]): string {
  const some = items.slice(0, 5).join(', ');
  return items.length > 5 ? `${some}, …` : some;
}
