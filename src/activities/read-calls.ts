import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { classify } from '../anthropic/failures.ts';
import type { ListedType, SessionFeed } from '../anthropic/session-feed.ts';
import { type SessionEvent, toSessionEvent } from '../session/events.ts';
import { apiFailure } from './api-failure.ts';
import { cancellationFailure } from './cancellation.ts';

export interface ReadCallsInput {
  readonly sessionId: string;
  readonly ids: readonly string[];
}

export interface ReadCallsResult {
  /** Only what bears on those calls: the calls, their answers and confirmations. */
  readonly events: readonly SessionEvent[];
}

const BEARING: readonly ListedType[] = [
  'agent.tool_use',
  'agent.custom_tool_use',
  // Never ours, but then the id is explained.
  'agent.mcp_tool_use',
  'agent.tool_result',
  'user.tool_result',
  'user.custom_tool_result',
  'user.tool_confirmation',
];

/** A call may be listed this long after the status that names it: a late commit (§2.6 waits as long). */
const COMMIT_MS = 60_000;

/**
 * Reads the whole history for what bears on these calls (§2.7): the server waits for them, and they do not fit
 * what we know. Failures as of `readTail`, and the retryable `CallsNotListed` while a call may be listed yet.
 */
export function createReadCalls({ feed }: { readonly feed: SessionFeed }) {
  return async function readCalls({ sessionId, ids }: ReadCallsInput): Promise<ReadCallsResult> {
    const wanted = new Set(ids);
    const signal = cancellationSignal();
    const events: SessionEvent[] = [];
    const unlisted = new Set(ids);
    try {
      for await (const page of feed.listPages(sessionId, { types: BEARING, signal })) {
        for (const raw of page) {
          unlisted.delete(String(raw.id));
          const event = toSessionEvent(raw);
          if (event === undefined) continue;
          if (wanted.has('tool_use_id' in event ? event.tool_use_id : event.id)) events.push(event);
        }
      }
      // Both are the server's stamps: an age never depends on whose clock is right.
      const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = activityInfo();
      if (unlisted.size > 0 && currentAttemptScheduledTimestampMs - scheduledTimestampMs < COMMIT_MS)
        throw notListed([...unlisted]);
      return { events };
    } catch (error) {
      if (error instanceof ApplicationFailure) throw error;
      if (signal.aborted) throw cancellationFailure(signal.reason);
      throw apiFailure(classify(error, { address: feed.address }));
    }
  };
}

function notListed(ids: readonly string[]): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'CallsNotListed',
    message: `the API does not list ${ids.join(', ')} yet, which the session waits for`,
    category: 'BENIGN',
  });
}
