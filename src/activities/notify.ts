/** The activities that tell people on duty: which ways there are, and one try at one of them. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { createRate, type Rate } from '../anthropic/rate.ts';
import type { NoticeDelivery } from '../notices/delivery.ts';
import { postNotice } from '../notices/post-notice.ts';
import { runNoticeCommand } from '../notices/run-command.ts';
import type { Notice, NoticeType, NoticeWay } from '../workflows/notice.ts';
import { keepAlive } from './keep-alive.ts';

export interface NotifyDeps {
  readonly url: string | undefined;
  readonly secrets: readonly string[];
  readonly command: readonly string[] | undefined;
  /** Most tries a minute, for each way. */
  readonly perMinute: number;
  readonly timeoutMs: number;
  /** Of the command. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly observe?: (way: NoticeWay, type: NoticeType, result: 'sent' | 'failed') => void;
}

export interface NotifyInput {
  readonly sessionId: string;
  readonly notice: Notice;
  readonly way: NoticeWay;
}

/** The ways that this worker is configured for. */
export function waysOf({ url, command }: Pick<NotifyDeps, 'url' | 'command'>): NoticeWay[] {
  return [
    ...(url === undefined ? [] : ['webhook' as const]),
    ...(command === undefined ? [] : ['command' as const]),
  ];
}

export function createNoticeWays(deps: NotifyDeps) {
  return async function noticeWays(_: { readonly sessionId: string }): Promise<readonly NoticeWay[]> {
    return waysOf(deps);
  };
}

/**
 * Failures, all retryable: `NoticeNotTaken` · `NoticeLimited` (this worker has sent its share of the minute) ·
 * `NoticeNotConfigured` (another worker is) · cancellation.
 */
export function createNotify(deps: NotifyDeps) {
  const rates: Record<NoticeWay, Rate> = {
    webhook: createRate(deps.perMinute, performance.now()),
    command: createRate(deps.perMinute, performance.now()),
  };
  return async function notify({ notice, way }: NotifyInput): Promise<void> {
    const send = senderOf(deps, way);
    if (send === undefined)
      throw ApplicationFailure.create({
        type: 'NoticeNotConfigured',
        message: `this worker has no ${way} for notices: set the same HOLDFAST_NOTIFY_* on all workers`,
      });
    // Before anything is held: what has to wait costs no slot.
    const rate = rates[way];
    if (!rate.take(performance.now()))
      throw ApplicationFailure.create({
        type: 'NoticeLimited',
        message: `this worker sends ${deps.perMinute} notices a minute at most (HOLDFAST_NOTIFY_PER_MINUTE)`,
        nextRetryDelay: Math.ceil(rate.waitFor(1, performance.now())) + Math.random() * 1_000,
        category: 'BENIGN',
      });
    const result = await keepAlive(signal => send(notice, signal));
    deps.observe?.(way, notice.type, result.kind === 'taken' ? 'sent' : 'failed');
    if (result.kind === 'taken') return;
    const { attempt } = activityInfo();
    throw ApplicationFailure.create({
      type: 'NoticeNotTaken',
      message: `${notice.type} of ${notice.data.session} was not taken (try ${attempt}): ${result.reason}`,
      ...(result.retryAfterMs === undefined ? {} : { nextRetryDelay: result.retryAfterMs }),
    });
  };
}

function senderOf(
  deps: NotifyDeps,
  way: NoticeWay,
): ((notice: Notice, signal: AbortSignal) => Promise<NoticeDelivery>) | undefined {
  const { url, secrets, command, timeoutMs, env, log } = deps;
  switch (way) {
    case 'webhook':
      if (url === undefined) return undefined;
      return (notice, signal) => postNotice({ url, secrets, timeoutMs }, notice, signal);
    case 'command':
      if (command === undefined) return undefined;
      return (notice, signal) => runNoticeCommand({ command, env, timeoutMs, log }, notice, signal);
    default:
      return way satisfies never;
  }
}
