/** Replays many histories with the workflow code of this version, on all cores (design: the replay gate). */
import { availableParallelism } from 'node:os';
import type { WorkflowBundleOption } from '@temporalio/worker';
import type { KeySettings } from '../key-ring.ts';
import type { ReplayJob } from './replay-main.ts';
import { createReplayer } from './replayer.ts';
import type { ReplayVerdict } from './verdict.ts';

export interface ReplayOptions {
  readonly workflowBundle: WorkflowBundleOption;
  /** Where the keys of encrypted histories are. */
  readonly keys: KeySettings;
  /** Processes at a time; one per core. */
  readonly processes?: number;
  /** Milliseconds for one history (60,000). */
  readonly limitMs?: number;
  /** The name of the workflow; all else is not ours. */
  readonly workflowType?: string;
  readonly onVerdict: (verdict: ReplayVerdict) => void;
}

/** A job, or the verdict about what could not even be had. */
export type ReplaySource = ReplayJob | ReplayVerdict;

const LIMIT_MS = 60_000;

/** Resolves when every source has its verdict; rejects only where the sources themselves fail. */
export async function replayAll(
  sources: AsyncIterable<ReplaySource> | Iterable<ReplaySource>,
  {
    workflowBundle,
    keys,
    limitMs = LIMIT_MS,
    workflowType = 'runSession',
    onVerdict,
    ...rest
  }: ReplayOptions,
): Promise<void> {
  const { processes = availableParallelism() } = rest;
  const iterator =
    Symbol.asyncIterator in sources ? sources[Symbol.asyncIterator]() : sources[Symbol.iterator]();
  // An iterator that is asked twice at once need not keep its answers apart.
  let turn: Promise<unknown> = Promise.resolve();
  const next = (): Promise<IteratorResult<ReplaySource>> => {
    const result = turn.then(() => iterator.next());
    turn = result.catch(() => {});
    return result;
  };
  const drain = async (): Promise<void> => {
    const replayer = createReplayer({ workflowBundle, workflowType, keys }, limitMs);
    try {
      for (let result = await next(); !result.done; result = await next()) {
        const source = result.value;
        onVerdict('verdict' in source ? source : await replayer.replay(source));
      }
    } finally {
      replayer.close();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, processes) }, drain));
}
