/** `sendNotice`: one notice to people on duty, sent each way until it is taken, for a day at most. */
import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { noticeWays, notifyBy } from './activities.ts';
import type { Notice, NoticeWay } from './notice.ts';

/** @returns the ways it was taken; fails naming those it was not. */
export async function sendNotice(notice: Notice): Promise<readonly NoticeWay[]> {
  const { session } = notice.data;
  const ways = await noticeWays({ sessionId: session });
  const failed: string[] = [];
  // One that fails for a day must not send the other twice.
  const sent = ways.map(way =>
    notifyBy(
      way,
      notice,
    )({ sessionId: session, notice, way }).catch(error => {
      if (isCancellation(error)) throw error;
      failed.push(`${way}: ${error instanceof Error ? (error.cause ?? error) : error}`);
    }),
  );
  await Promise.all(sent);
  if (failed.length === 0) return ways;
  throw ApplicationFailure.nonRetryable(`nobody took it: ${failed.join('; ')}`, 'NoticeNotTaken');
}
