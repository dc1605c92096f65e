/** A session's workflow cut down to its listener: leases one after another, every batch kept. */
import {
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';
import type { ListenInput, ListenResult } from '../../src/activities/listen.ts';
import type { EventBatch } from '../../src/workflows/messages.ts';

export const batchesQuery = defineQuery<EventBatch[]>('batches');
export const finishSignal = defineSignal('finish');

const { listen } = proxyActivities<{ listen(input: ListenInput): Promise<ListenResult> }>({
  taskQueue: 'listeners',
  startToCloseTimeout: 60_000,
  heartbeatTimeout: 3_000,
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 10_000 },
});

export async function listening(sessionId: string, maxEvents: number): Promise<ListenResult[]> {
  const batches: EventBatch[] = [];
  const ends: ListenResult[] = [];
  let finished = false;
  setHandler(defineSignal<[EventBatch]>('events'), batch => void batches.push(batch));
  setHandler(batchesQuery, () => batches);
  setHandler(finishSignal, () => {
    finished = true;
  });
  upsertMemo({ host: 'host-1', incarnation: `of ${sessionId}` });
  const known = () => batches.flatMap(batch => batch.events.map(event => event.id));
  for (let lease = 1; !finished; lease++) {
    const cursor = batches.at(-1)?.cursor ?? { at: null };
    const input = { sessionId, epoch: 1, lease, cursor, known: known(), leaseMs: 30_000, maxEvents };
    const end = await Promise.race([listen(input).catch(ignoreCancellation), condition(() => finished)]);
    if (typeof end !== 'object') break;
    ends.push(end);
    if (end.kind === 'session-ended') break;
  }
  return ends;
}

function ignoreCancellation(error: unknown): undefined {
  if (!isCancellation(error)) throw error;
}
