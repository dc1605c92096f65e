/** What Temporal has under way for a session, in plain words: it is known also while no worker answers. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { errorLine } from '../error-text.ts';
import { lasted } from '../session/lasted.ts';
import { oneLine } from '../session/summary.ts';

export interface PendingWork {
  /** Temporal's name of the activity: `postResults`. */
  readonly type: string;
  /** Its id: a call's, for `runTool`. */
  readonly id: string;
  /** `posting results`. */
  readonly what: string;
  /** From 1 on. */
  readonly attempt: number;
  /** `waiting`: nobody has taken it. `backing-off`: it failed, and is tried again at `next`. */
  readonly state: 'running' | 'waiting' | 'backing-off';
  /** ISO times: since when it waits or runs; when it is tried again. */
  readonly since: string | null;
  readonly next: string | null;
  /** Of the last attempt that failed: what went wrong, on one line, and the failure's type. */
  readonly failure: string | null;
  readonly failureType: string | null;
  /** After so many ms without a taker its host is given up; null: never, or not told. */
  readonly givenUpAfterMs: number | null;
}

const WHAT: Readonly<Record<string, string>> = {
  openSession: 'looking the session up',
  describeTools: 'asking which tools are served',
  listen: 'listening to the session',
  readTail: 'asking whether the session is still idle',
  readCalls: 'reading what the server waits for',
  startedBefore: 'asking what the run before had started',
  openWorkspace: 'finding a host for the tools',
  runTool: 'running a tool',
  stopCalls: 'stopping tools',
  postResults: 'posting results',
  postStored: 'posting a large result',
  answerConfirmation: 'telling the API a verdict',
  closeWorkspace: 'closing the tool host',
  ackWork: 'acknowledging the work item',
  stopWork: 'stopping the work item',
  keepLease: 'keeping the lease of the work item',
};

type Raw = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** PendingActivityState of temporal/api/enums/v1/workflow.proto. */
const SCHEDULED = 1;

export function pendingWork(
  client: Client,
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  now = Date.now(),
): Promise<PendingWork[]> {
  return Promise.all((raw.pendingActivities ?? []).map(activity => workOf(client, activity, now)));
}

async function workOf(client: Client, activity: Raw, now: number): Promise<PendingWork> {
  const type = activity.activityType?.name ?? 'an activity';
  const attempt = activity.attempt ?? 1;
  const isRunning = activity.state !== SCHEDULED;
  const scheduled = optionalTsToMs(activity.scheduledTime);
  const backsOff = !isRunning && attempt > 1 && scheduled !== undefined && scheduled > now;
  return {
    type,
    id: activity.activityId ?? '',
    what: WHAT[type] ?? oneLine(type),
    attempt,
    state: isRunning ? 'running' : backsOff ? 'backing-off' : 'waiting',
    since: isoOf(isRunning ? optionalTsToMs(activity.lastStartedTime) : scheduled),
    next: backsOff ? isoOf(scheduled) : null,
    ...(await failureOf(client, activity)),
    givenUpAfterMs: optionalTsToMs(activity.activityOptions?.scheduleToStartTimeout) || null,
  };
}

/** The innermost words: the outer ones say only which activity failed. */
async function failureOf(
  client: Client,
  { lastFailure }: Raw,
): Promise<Pick<PendingWork, 'failure' | 'failureType'>> {
  const { loadedDataConverter } = client.options;
  const error = await decodeOptionalFailureToOptionalError(loadedDataConverter, lastFailure);
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause === undefined) return { failure: null, failureType: null };
  if (cause instanceof TimeoutFailure)
    return { failure: 'its worker was not heard of in time', failureType: 'Timeout' };
  const type = cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
  return { failure: oneLine(errorLine(cause)) || null, failureType: type };
}

/** So long may work wait before it is worth a word that nobody has taken it, ms. */
const UNTAKEN_MS = 5_000;

/** They wait for as long as it takes; that a worker before them was lost is no trouble while they run. */
const LASTING = ['listen', 'keepLease', 'runTool'];

/** It runs, and what failed before it was another attempt's trouble. */
export function isAtWork({ type, state }: PendingWork): boolean {
  return state === 'running' && LASTING.includes(type);
}

/** For how many ms nobody has taken it, where that is worth a word; else 0. */
export function untakenMs({ state, since }: PendingWork, now = Date.now()): number {
  const waits = state === 'waiting' && since !== null ? now - Date.parse(since) : 0;
  return waits > UNTAKEN_MS ? waits : 0;
}

/** What does not go as it should, one line each: `posting results: attempt 7, next in 8 s; last failure: …`. */
export function troublesOf(work: readonly PendingWork[], now = Date.now()): string[] {
  return work.flatMap(each => {
    const { type, id, what, attempt, next, failure } = each;
    if (isAtWork(each)) return [];
    const name = type === 'runTool' ? `${what} (${oneLine(id)})` : what;
    const waits = untakenMs(each, now);
    const untaken = waits > 0 ? [`nobody has taken it for ${lasted(waits)}`] : [];
    if (attempt === 1 && untaken.length === 0) return [];
    const parts = [
      ...(attempt === 1 ? [] : [`attempt ${attempt}`]),
      ...untaken,
      ...(next === null ? [] : [`next try in ${lasted(Date.parse(next) - now)}`]),
    ];
    return [`${name}: ${parts.join(', ')}${failure === null ? '' : `; last failure: ${failure}`}`];
  });
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined || ms <= 0 ? null : new Date(ms).toISOString();
}
