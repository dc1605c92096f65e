/**
 * What a call was made with and what it was answered with, from the histories of its session's runs: it is there for
 * as long as Temporal keeps them, and needs neither a worker nor an API key.
 */
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { PostResultsInput } from '../activities/post-results.ts';
import type { PostStoredInput } from '../activities/post-stored.ts';
import type { RunToolInput } from '../activities/run-tool.ts';
import type { ContentBlock } from '../session/answers.ts';
import { isSessionEvent } from '../session/events.ts';
import type { EventBatch } from '../workflows/messages.ts';
import type { Patience } from './asking.ts';
import { type HistoryEvent, readRun } from './run-history.ts';

export interface CallContent {
  readonly input: CallInput;
  readonly result: CallResult;
}

export type CallInput =
  /** As the agent wrote it. */
  | { readonly kind: 'kept'; readonly value: unknown }
  /** More than 64 kB: the API has it. */
  | { readonly kind: 'too-large' }
  /** No history that Temporal still has tells of the call. */
  | { readonly kind: 'unknown' };

export type CallResult =
  /** What was posted, or is to be. */
  | { readonly kind: 'kept'; readonly isError: boolean; readonly content: readonly ContentBlock[] }
  /** Too large for a history: the API has it, and the journal of the session's host. */
  | { readonly kind: 'too-large' }
  /** There is none of ours: not yet, or the call was denied, answered elsewhere, void or left to another client. */
  | { readonly kind: 'none' };

/**
 * @param runId any run of the chain that the call belongs to; its newest or first one is the quickest.
 * @throws HoldfastError when Temporal is away for `unansweredMs`, PayloadKeyError where a key is missing.
 */
export async function callContent(
  client: Client,
  sessionId: string,
  runId: string,
  callId: string,
  patience: Patience = {},
): Promise<CallContent> {
  const search = new Search(client, sessionId, callId);
  const read = (id: string, isEnough: () => boolean) =>
    readRun(client, sessionId, id, event => search.visit(event).then(isEnough), patience);
  // A call's input stands before its result, in the same run or in one before.
  const hasResult = () => search.result !== undefined;
  const isWhole = () => search.input !== undefined && hasResult();
  const first = await read(runId, hasResult);
  for (let { next } = first; next !== undefined && !hasResult(); ) ({ next } = await read(next, hasResult));
  for (let { before } = first; before !== undefined && !isWhole(); )
    ({ before } = await read(before, isWhole));
  return { input: search.input ?? { kind: 'unknown' }, result: search.result ?? { kind: 'none' } };
}

class Search {
  input: CallInput | undefined;
  result: CallResult | undefined;
  readonly #client: Client;
  readonly #sessionId: string;
  readonly #callId: string;

  constructor(client: Client, sessionId: string, callId: string) {
    this.#client = client;
    this.#sessionId = sessionId;
    this.#callId = callId;
  }

  async visit(event: HistoryEvent): Promise<void> {
    const signal = event.workflowExecutionSignaledEventAttributes;
    const activity = event.activityTaskScheduledEventAttributes;
    if (signal?.signalName === 'events' && this.input === undefined)
      this.#inBatch((await this.#decoded(signal.input?.payloads)) as Partial<EventBatch> | undefined);
    else if (activity)
      await this.#inActivity(activity.activityType?.name, activity.activityId, activity.input?.payloads);
  }

  /** Anybody may send a signal. */
  #inBatch(batch: Partial<EventBatch> | undefined): void {
    const events = Array.isArray(batch?.events) ? batch.events.filter(isSessionEvent) : [];
    const call = events.find(event => event.id === this.#callId);
    if (call === undefined || !('name' in call)) return;
    this.input = call.input_ref === undefined ? { kind: 'kept', value: call.input } : { kind: 'too-large' };
  }

  async #inActivity(type: unknown, id: unknown, payloads: Payloads): Promise<void> {
    if (type === 'runTool' && id === this.#callId && this.input === undefined) {
      const { call } = (await this.#decoded(payloads)) as RunToolInput;
      this.input = 'input' in call ? { kind: 'kept', value: call.input } : { kind: 'too-large' };
    } else if (type === 'postResults') {
      const { results } = (await this.#decoded(payloads)) as PostResultsInput;
      const posted = results.find(each => each.id === this.#callId);
      if (posted === undefined) return;
      this.result = { kind: 'kept', isError: posted.isError, content: posted.content };
    } else if (type === 'postStored') {
      const { call } = (await this.#decoded(payloads)) as PostStoredInput;
      if (call.id === this.#callId) this.result = { kind: 'too-large' };
    }
  }

  async #decoded(payloads: Payloads): Promise<unknown> {
    const { loadedDataConverter, namespace } = this.#client.options;
    const context = { type: 'workflow', namespace, workflowId: this.#sessionId } as const;
    return (await decodeArrayFromPayloads(loadedDataConverter, payloads, context))[0];
  }
}

type Payloads = Payload[] | null | undefined;
