/** What the backend of the sessions does: it starts runs, and passes messages on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { startSession } from '../../client.ts';
import type { SessionHandle } from '../../emulator/handle.ts';

const MAX_IDLE_MS = 2_000;
/** Short histories and leases, so that continue-as-new and hand-overs happen under the kills. */
const RUN = { maxIdleMs: MAX_IDLE_MS, maxHistory: 600, leaseEvents: 150 } as const;

/** One try to start a run, and the time to the next one. */
const START_MS = 5_000;
const START_AGAIN_MS = 500;

export async function startRun(client: Client, sessionId: string): Promise<void> {
  await startSession(client, sessionId, RUN);
}

/** What a backend does when its user writes again; a server that is down is asked until it is back. */
export async function goOn(
  session: SessionHandle,
  client: Client | undefined,
  afterMs: number,
  signal: AbortSignal,
): Promise<void> {
  await sleep(afterMs);
  if (!signal.aborted) session.sendMessage('go on');
  while (client !== undefined && !signal.aborted) {
    try {
      await client.withDeadline(Date.now() + START_MS, () => startRun(client, session.id));
      return;
    } catch {
      await sleep(START_AGAIN_MS);
    }
  }
}
