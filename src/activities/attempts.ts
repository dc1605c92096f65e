/**
 * The attempts that this worker process serves, on disk (§5, Orphans): when the process dies, a sibling on the
 * host, or the next worker, fails them by their task tokens at once, so that a killed worker costs half a
 * second instead of a heartbeat timeout. The timeout stays as the net. No fsync: only a process's death matters.
 */
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { failpoint } from '../failpoint.ts';
import { identify, isAlive, type ProcessIdentity } from '../tool-host/processes.ts';

const IDENTITY = 'process.json';
const ENDING = '.token';
/** Bytes of a file's name. */
const NAME_BYTES = 200;

export interface Attempts {
  /** What this process says of itself; it goes when the process ends in order, or with the next one. */
  readonly folder: string;
  /** Notes the task token of every attempt of this activity while it runs. */
  noted<I, O>(activity: (input: I) => Promise<O>): (input: I) => Promise<O>;
  /** Forgets this process: it ends in order. */
  close(): Promise<void>;
}

/**
 * @param stateDir the state folder that all workers of this host share.
 * @param holdsRuns whether this process also has the runs of workflows in its cache.
 */
export function openAttempts(stateDir: string, holdsRuns = true): Attempts {
  const self = identify(process.pid);
  const folder = join(stateDir, 'workers', folderOf(self));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, IDENTITY), JSON.stringify(self));
  let count = 0;
  return {
    folder,
    noted: activity =>
      async function noted(input) {
        const { taskToken, workflowExecution } = activityInfo();
        const file = join(folder, nameOf(++count, holdsRuns ? workflowExecution?.workflowId : undefined));
        note(file, taskToken);
        try {
          return await activity(input);
        } finally {
          unlinkQuietly(file);
        }
      },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface OrphanCare {
  /** Fails one attempt by its token; it may be gone already. */
  fail(token: Uint8Array): Promise<void>;
  /**
   * Lets any worker take the workflow's next task: else it waits a second for the dead one, which has the run in its
   * cache. The run may have ended.
   */
  release(workflowId: string): Promise<void>;
}

/**
 * Fails what dead worker processes of this host have left.
 *
 * @returns how many attempts were failed.
 */
export async function failOrphans(stateDir: string, { fail, release }: OrphanCare): Promise<number> {
  const root = join(stateDir, 'workers');
  await mkdir(root, { recursive: true, mode: 0o700 });
  let failed = 0;
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    if (name === folderOf(identify(process.pid)) || (await isServed(folder))) continue;
    const files = (await readdir(folder).catch(() => [])).filter(file => file.endsWith(ENDING));
    await failpoint('orphans.found');
    await Promise.all(
      [...Map.groupBy(files, workflowOf)].map(async ([workflowId, names]) => {
        // First: what comes of the failed attempts is the workflow's next task.
        if (workflowId !== undefined) await release(workflowId).catch(ignore);
        const tokens = names.map(file => readFile(join(folder, file)).catch(() => undefined));
        const read = (await Promise.all(tokens)).flatMap(token => (token?.length ? [token] : []));
        await Promise.all(read.map(token => fail(token).then(() => failed++, ignore)));
      }),
    );
    await failpoint('orphans.failed');
    await rm(folder, { recursive: true, force: true });
  }
  return failed;
}

async function isServed(folder: string): Promise<boolean> {
  try {
    return isAlive(JSON.parse(await readFile(join(folder, IDENTITY), 'utf8')) as ProcessIdentity);
  } catch {
    // Half made by a process that starts right now, or half removed by a sibling: its name tells whose it is.
    const pid = Number.parseInt(basename(folder), 10);
    return basename(folder) === folderOf(identify(pid), pid);
  }
}

function ignore(): void {
  // Another sibling was faster, or the attempt has timed out: both are what was wanted.
}

/** A full disk must not keep results from being posted: without the note only the heartbeat timeout is left. */
function note(file: string, token: Uint8Array): void {
  try {
    writeFileSync(file, token);
  } catch {
    unlinkQuietly(file);
  }
}

/** Tells the workflow as well, where its id is not too long for that. */
function nameOf(count: number, workflowId = ''): string {
  const named = `${count}@${encodeURIComponent(workflowId)}${ENDING}`;
  return workflowId === '' || named.length > NAME_BYTES ? `${count}${ENDING}` : named;
}

function workflowOf(file: string): string | undefined {
  const [, id] = file.slice(0, -ENDING.length).split('@');
  return id === undefined ? undefined : decodeURIComponent(id);
}

function unlinkQuietly(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // A sibling that took this process for dead may have removed it.
  }
}

/** A pid is used again, so its start time belongs to the name. */
function folderOf(self: ProcessIdentity | undefined, pid = process.pid): string {
  return `${pid}-${self?.startTime ?? 0}`.replace(/[^\w-]/g, '_');
}
