/** What a refusal of the API says about the session, beside that it is one (§2.6). */
import type { Failure } from './failures.ts';
import type { SessionFeed } from './session-feed.ts';

export type Refusal = Extract<Failure, { kind: 'refused' }>;

/** "Cannot send events to archived session", and the like for terminated and deleted sessions and threads. */
const OVER = /\b(archived|terminated|deleted)\b/i;
const DOES_NOT_MATCH = /does not match any/i;

/** Whether nothing is taken any more, by the words of the refusal. */
export function saysOver({ message }: Refusal): boolean {
  return OVER.test(message);
}

/** An unknown id, or one that is not committed yet. */
export function saysNoMatch({ message }: Refusal): boolean {
  return DOES_NOT_MATCH.test(message);
}

/** The same, where the words leave it open: by the session itself. @throws what the feed throws. */
export async function isOver(
  feed: SessionFeed,
  sessionId: string,
  refusal: Refusal,
  signal?: AbortSignal,
): Promise<boolean> {
  if (saysOver(refusal)) return true;
  if (refusal.status === 413 || saysNoMatch(refusal)) return false;
  const session = await feed.retrieve(sessionId, signal);
  return session.archived || session.status === 'terminated';
}

export function words(failure: { readonly status: number; readonly message: string }): string {
  return `${failure.status} ${failure.message}`;
}
