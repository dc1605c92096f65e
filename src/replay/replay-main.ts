/**
 * A process that replays histories, one after the other, for whoever forked it (replayer.ts). On its own, because a
 * history that is not what it seems can hang or end the SDK's core, and the others must go on.
 */
import { on } from 'node:events';
import { readFile } from 'node:fs/promises';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { errorText } from '../error-text.ts';
import { type KeySettings, loadKeyRing } from '../key-ring.ts';
import { createPayloadCodec } from '../payload-codec.ts';
import { decryptAll } from './decrypt-history.ts';
import { type RecordedHistory, readHistory, UnreadableHistory } from './recorded-history.ts';
import { type Divergence, explain, type ReplayVerdict } from './verdict.ts';

/** The first message. */
export interface ReplaySetup {
  /** Where the keys of encrypted histories are. */
  readonly keys: KeySettings;
  readonly workflowBundle: WorkflowBundleOption;
  readonly workflowType: string;
}

/** Each further message: a file, or the JSON of a history. */
export interface ReplayJob {
  readonly source: string;
  readonly path?: string;
  readonly json?: string;
}

const NOT_BEGUN: Divergence = { verdict: 'nothing-yet', event: null, why: 'no worker had answered it yet' };

// What a workflow logs while it is replayed is of no use, and a nondeterminism is told as a verdict.
const silent = new DefaultLogger('ERROR', () => {});
Runtime.install({
  logger: silent,
  shutdownSignals: [],
  telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
});
process.once('disconnect', () => process.exit());

let current: { readonly job: ReplayJob; readonly history?: RecordedHistory } | undefined;

function answer(divergence: Divergence): void {
  const { job, history } = current ?? { job: { source: '?' } };
  const verdict: ReplayVerdict = {
    source: job.source,
    session: history?.workflowId ?? null,
    runId: history?.runId ?? null,
    events: history?.events.length ?? 0,
    ...divergence,
  };
  process.send?.(verdict);
}

async function load(job: ReplayJob): Promise<RecordedHistory> {
  if (job.json !== undefined) return readHistory(Buffer.from(job.json));
  const bytes = await readFile(job.path ?? '').catch((error: NodeJS.ErrnoException) => {
    throw new UnreadableHistory(`it cannot be read (${error.code ?? error.message})`);
  });
  return readHistory(bytes);
}

/** What can be replayed; all else is answered right away. */
async function* histories(jobs: AsyncIterable<[ReplayJob]>, { workflowType, keys }: ReplaySetup) {
  const codec = createPayloadCodec({ encrypts: false, keys: () => loadKeyRing(keys) });
  for await (const [job] of jobs) {
    current = { job };
    try {
      const loaded = await load(job);
      current = { job, history: loaded };
      const history = { ...loaded, events: await decryptAll(loaded.events, codec) };
      current = { job, history };
      if (history.workflowType !== workflowType)
        throw new UnreadableHistory(
          `it is a history of the workflow ${history.workflowType}, not of a session (${workflowType})`,
        );
      if (!history.isBegun) answer(NOT_BEGUN);
      else
        yield {
          workflowId: history.workflowId ?? job.source,
          history: historyFromJSON({ events: history.events }),
        };
    } catch (error) {
      answer({ verdict: 'unreadable', event: null, why: errorText(error).replaceAll(/\s+/g, ' ') });
    }
  }
}

const messages = on(process, 'message');
const [setup] = (await messages.next()).value as [ReplaySetup];
const jobs = histories(messages as AsyncIterable<[ReplayJob]>, setup);
process.send?.('ready');
for await (const { error } of Worker.runReplayHistories({ workflowBundle: setup.workflowBundle }, jobs))
  answer(
    error === undefined
      ? { verdict: 'ok', event: null, why: null }
      : explain(error.message, current?.history?.events ?? []),
  );
