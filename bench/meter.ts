/** Measures what a piece of work costs: processor time, history, requests, memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { cpuOf, familyOf } from './machine/cpu.ts';
import { historySizeOf } from './machine/history-size.ts';
import { memoryOf } from './machine/memory.ts';
import type { Cpu, HistorySize, Memory, Sample } from './sample.ts';
import type { Stage } from './stage.ts';

export interface Work {
  readonly times: readonly number[];
  readonly calls: number;
  readonly figures?: Readonly<Record<string, number>>;
}

/** The server's counts of Actions are up to so many milliseconds old. */
const COUNTED_MS = 1_500;

/**
 * @param sessionIds those whose histories grow meanwhile.
 * @param countsActions costs 3 s beside the work, where the server counts them.
 */
export async function measure(
  stage: Stage,
  sessionIds: readonly string[],
  work: () => Promise<Work>,
  { countsActions = false } = {},
): Promise<Sample> {
  const { client } = stage.peer;
  const historyBefore = await historyOf(client, sessionIds);
  const actionsBefore = countsActions ? await actionsOf(stage) : undefined;
  const requestsBefore = stage.requests();
  const cpuBefore = await cpuNow(stage);
  const began = performance.now();
  const { times, calls, figures = {} } = await work();
  const wallMs = performance.now() - began;
  const cpuAfter = await cpuNow(stage);
  const requests = stage.requests() - requestsBefore;
  const actionsAfter = countsActions ? await actionsOf(stage) : undefined;
  const historyAfter = await historyOf(client, sessionIds);
  return {
    times,
    wallMs,
    calls,
    cpu: difference(cpuAfter, cpuBefore),
    history:
      historyBefore === null || historyAfter === null
        ? null
        : {
            events: historyAfter.events - historyBefore.events,
            bytes: historyAfter.bytes - historyBefore.bytes,
          },
    actions: actionsBefore === undefined || actionsAfter === undefined ? null : actionsAfter - actionsBefore,
    requests,
    memory: await memoryNow(stage),
    figures,
  };
}

async function families({ peer, temporal }: Stage) {
  const hosts = await peer.toolHosts();
  return {
    worker: familyOf(peer.workers(), hosts),
    toolHosts: familyOf(hosts),
    server: temporal.pids === undefined ? undefined : familyOf(temporal.pids),
  };
}

async function cpuNow(stage: Stage): Promise<Cpu> {
  const { worker, toolHosts, server } = await families(stage);
  const { user, system } = process.cpuUsage();
  return {
    worker: cpuOf(worker),
    toolHosts: cpuOf(toolHosts),
    server: server === undefined ? null : cpuOf(server),
    api: (user + system) / 1_000,
  };
}

export async function memoryNow(stage: Stage): Promise<Memory> {
  const { worker, toolHosts, server } = await families(stage);
  return {
    worker: memoryOf(worker),
    toolHosts: memoryOf(toolHosts),
    server: server === undefined ? null : memoryOf(server),
  };
}

async function actionsOf({ peer, temporal, signal }: Stage): Promise<number | undefined> {
  if (peer.client === undefined || temporal.actions === undefined) return undefined;
  await sleep(COUNTED_MS, undefined, { signal });
  return temporal.actions(peer.client.options.namespace);
}

async function historyOf(client: Client | undefined, ids: readonly string[]): Promise<HistorySize | null> {
  if (client === undefined) return null;
  const sizes = await Promise.all(ids.map(id => historySizeOf(client, id)));
  return sizes.reduce(
    (sum, { events, bytes }) => ({ events: sum.events + events, bytes: sum.bytes + bytes }),
    {
      events: 0,
      bytes: 0,
    },
  );
}

function difference(after: Cpu, before: Cpu): Cpu {
  return {
    worker: after.worker - before.worker,
    toolHosts: after.toolHosts - before.toolHosts,
    server: after.server === null || before.server === null ? null : after.server - before.server,
    api: after.api - before.api,
  };
}
