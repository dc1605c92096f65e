/** A call's input that was too large for a signal, read again from the API (§2.1). */
import type { SessionFeed } from './session-feed.ts';

export type ReadInput = { readonly kind: 'found'; readonly input: unknown } | { readonly kind: 'missing' };

/**
 * @param processedAt the call's own stamp: the list starts there. Without it the newest calls are read first.
 * @throws what the feed throws (see `classify`).
 */
export async function readInput(
  feed: SessionFeed,
  sessionId: string,
  callId: string,
  options: { readonly processedAt?: string | null; readonly signal?: AbortSignal } = {},
): Promise<ReadInput> {
  const { processedAt, signal } = options;
  const pages = feed.listPages(sessionId, {
    types: ['agent.tool_use', 'agent.custom_tool_use'],
    ...(processedAt ? { since: processedAt } : { order: 'desc' as const }),
    ...(signal ? { signal } : {}),
    limit: 100,
  });
  for await (const page of pages) {
    const call = page.find(event => event.id === callId);
    if (call !== undefined) return { kind: 'found', input: call.input ?? {} };
  }
  // A stamp may have changed since (a late commit): only the whole list proves that there is no such call.
  return processedAt ? readInput(feed, sessionId, callId, signal ? { signal } : {}) : { kind: 'missing' };
}
