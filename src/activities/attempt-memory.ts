/**
 * What a listener's attempt had signalled when its stream broke, for the next attempt on this worker: it lists
 * the overlap again and need not signal it again. (The workflow would drop it, I1, at a price.)
 */

export interface AttemptMemory {
  remember(attempt: AttemptId, known: readonly string[]): void;
  /** What the attempt just before this one left; []: it ran elsewhere. Given once. */
  recall(attempt: AttemptId): readonly string[];
}

export interface AttemptId {
  readonly sessionId: string;
  readonly epoch: number;
  readonly lease: number;
  readonly attempt: number;
}

/**
 * Only the very next attempt of the same lease may trust it: the batches of one that has been overtaken are
 * signalled in vain.
 *
 * @param ttlMs milliseconds; older ids are out of the overlap anyway (60,000).
 */
export function createAttemptMemory(ttlMs = 60_000): AttemptMemory {
  const left = new Map<string, { of: AttemptId; known: readonly string[]; at: number }>();
  return {
    remember(of, known) {
      for (const [sessionId, { at }] of left) if (at < performance.now() - ttlMs) left.delete(sessionId);
      left.set(of.sessionId, { of, known, at: performance.now() });
    },
    recall({ sessionId, epoch, lease, attempt }) {
      const entry = left.get(sessionId);
      left.delete(sessionId);
      const of = entry?.of;
      const isNext = of?.epoch === epoch && of.lease === lease && of.attempt === attempt - 1;
      return isNext ? (entry?.known ?? []) : [];
    },
  };
}
