import { cancellationSignal } from '@temporalio/activity';
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
  'agent.tool_result',
  'user.tool_result',
  'user.custom_tool_result',
  'user.tool_confirmation',
];

/**
 * Reads the whole history for what bears on these calls (§2.7): the server waits for them, and they do not fit
 * what we know. Failures as of `readTail`.
 */
export function createReadCalls({ feed }: { readonly feed: SessionFeed }) {
  return async function readCalls({ sessionId, ids }: ReadCallsInput): Promise<ReadCallsResult> {
    const wanted = new Set(ids);
    const signal = cancellationSignal();
    const events: SessionEvent[] = [];
    try {
      for await (const page of feed.listPages(sessionId, { types: BEARING, signal })) {
        for (const raw of page) {
          const event = toSessionEvent(raw);
          if (event === undefined) continue;
          if (wanted.has('tool_use_id' in event ? event.tool_use_id : event.id)) events.push(event);
        }
      }
      return { events };
    } catch (error) {
      if (signal.aborted) throw cancellationFailure(signal.reason);
      throw apiFailure(classify(error, { address: feed.address }));
    }
  };
}
