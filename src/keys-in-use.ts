/** Which keys runs and workers encrypt with, as Temporal has it: key ids are in clear. */
import { hostname } from 'node:os';
import type { Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Logger } from '@temporalio/worker';
import type { KeyRing } from './key-ring.ts';
import { keyIdOf } from './payload-codec.ts';
import { SESSIONS_QUEUE } from './workflows/activity-options.ts';

/** What a `Connection` and a `NativeConnection` have in common here. */
export type AnyConnection = Pick<Connection, 'workflowService' | 'withDeadline'>;

/** So many of the newest runs tell enough. */
const RUNS = 20;
/** Of a run's last ones, to find a payload among. */
const EVENTS = 20;
const ASK_MS = 8_000;
export const KEY_MEND = 'set HOLDFAST_KEY as the workers have it, or add that key to HOLDFAST_OLD_KEYS';
/** A poll lasts a minute: whoever has not begun one for longer is gone. */
const GONE_MS = 120_000;
/** TaskQueueType of temporal/api/enums/v1. */
const WORKFLOWS = 1;

/** Lines about runs under way, of the newest ones, that nobody with these keys can go on with. */
export async function unreadableRuns(
  connection: AnyConnection,
  namespace: string,
  { all }: KeyRing,
): Promise<string[]> {
  return [...(await keysOfRuns(connection, namespace))].flatMap(([id, sessions]) => {
    if (all.has(id)) return [];
    const many = sessions.length === 1 ? 'a run' : `${sessions.length} runs`;
    return [`encrypted with key ${id}, which is not here: ${many} (${sessions.slice(0, 3).join(', ')})`];
  });
}

/** @returns the sessions of runs under way by the ids of the keys that they began with and have now. */
async function keysOfRuns(
  connection: AnyConnection,
  namespace: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { workflowService: service } = connection;
  const soon = <T>(request: () => Promise<T>) => connection.withDeadline(Date.now() + ASK_MS, request);
  const query = "WorkflowType = 'runSession' AND ExecutionStatus = 'Running'";
  const { executions } = await soon(() =>
    service.listWorkflowExecutions({ namespace, query, pageSize: RUNS }),
  );
  const keys = new Map<string, string[]>();
  const look = async ({ execution, memo }: NonNullable<typeof executions>[number]) => {
    const run = { namespace, execution: execution ?? {} };
    const first = soon(() => service.getWorkflowExecutionHistory({ ...run, maximumPageSize: 1 }));
    const last = soon(() => service.getWorkflowExecutionHistoryReverse({ ...run, maximumPageSize: EVENTS }));
    const ids = keyIdsIn([memo, (await first).history, (await last).history]);
    for (const id of new Set(ids)) keys.set(id, [...(keys.get(id) ?? []), execution?.workflowId ?? '?']);
  };
  // One that has ended meanwhile tells nothing.
  await Promise.allSettled((executions ?? []).map(look));
  return keys;
}

/** Of all payloads in it. */
function keyIdsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  const { metadata } = value as Payload;
  if (metadata?.encoding !== undefined) return [keyIdOf(value)].flatMap(id => id ?? []);
  return Object.values(value).flatMap(keyIdsIn);
}

/** For the log of a worker that starts: runs that it is going to fail at, and what to do. Never rejects. */
export async function sayUnreadable(
  connection: AnyConnection,
  namespace: string,
  keys: KeyRing,
  logger: Logger,
): Promise<void> {
  // Looked at for people alone: a server that does not tell is no trouble.
  const lines = await unreadableRuns(connection, namespace, keys).catch(() => []);
  for (const line of lines) logger.warn(`${line}; they wait until a worker has it: ${KEY_MEND}`);
}

export interface WorkerKeys {
  /** `pid@host`. */
  readonly name: string;
  /** Id of the key that it encrypts with; undefined: it does not. */
  readonly encrypts: string | undefined;
  /** Ids of the keys that it decrypts with. */
  readonly reads: readonly string[];
}

/** What a worker calls itself at the server: `17@host (encrypts with 1a2b3c4d, reads 1a2b3c4d 5e6f7a8b)`. */
export function workerIdentity(
  { encryptsPayloads }: { readonly encryptsPayloads: boolean },
  { current, all }: KeyRing,
): string {
  const encrypts = encryptsPayloads && current !== undefined ? `encrypts with ${current.id}, ` : '';
  const keys = all.size === 0 ? '' : ` (${encrypts}reads ${[...all.keys()].join(' ')})`;
  return `${process.pid}@${hostname()}${keys}`;
}

/** Of the workers that poll for workflows now. */
export async function keysOfWorkers(connection: AnyConnection, namespace: string): Promise<WorkerKeys[]> {
  const { pollers } = await connection.withDeadline(Date.now() + ASK_MS, () =>
    connection.workflowService.describeTaskQueue({
      ...{ namespace, taskQueue: { name: SESSIONS_QUEUE }, taskQueueType: WORKFLOWS },
    }),
  );
  const here = (pollers ?? []).filter(
    ({ lastAccessTime }) => lastAccessTime && Date.now() - tsToMs(lastAccessTime) < GONE_MS,
  );
  return here.map(({ identity }) => {
    const [, name = '?', encrypts, reads = ''] =
      /^(.*?)(?: \((?:encrypts with (\w+), )?reads ([\w ]+)\))?$/.exec(identity ?? '') ?? [];
    return { name, encrypts, reads: reads === '' ? [] : reads.split(' ') };
  });
}
