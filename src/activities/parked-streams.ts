/**
 * Open streams between two leases of a session on this worker (§6): a lease that ends leaves its stream here,
 * and the next one goes on with it, without a list.
 */
import type { Attachment } from './attachment.ts';

export interface ParkedStreams {
  park(sessionId: string, attachment: Attachment): void;
  /**
   * @param cursor the lease's own; another one than the parked stream's means that the workflow wants to read
   *   from elsewhere (null: the whole history), so the parked stream is of no use and is closed.
   */
  adopt(sessionId: string, cursor: string | null): Attachment | undefined;
  /** Closes all; for the end of the worker. */
  close(): void;
}

/** @param ttlMs milliseconds until a stream that nobody took over is closed (5,000). */
export function createParkedStreams(ttlMs = 5_000): ParkedStreams {
  const parked = new Map<string, { attachment: Attachment; timer: NodeJS.Timeout }>();

  function take(sessionId: string): Attachment | undefined {
    const entry = parked.get(sessionId);
    if (entry === undefined) return undefined;
    clearTimeout(entry.timer);
    parked.delete(sessionId);
    return entry.attachment;
  }

  return {
    park(sessionId, attachment) {
      take(sessionId)?.close();
      const timer = setTimeout(() => take(sessionId)?.close(), ttlMs);
      parked.set(sessionId, { attachment, timer });
    },
    adopt(sessionId, cursor) {
      const attachment = take(sessionId);
      if (attachment === undefined) return undefined;
      if (cursor !== null && attachment.cursor === cursor && attachment.end === undefined) return attachment;
      attachment.close();
      return undefined;
    },
    close() {
      for (const sessionId of [...parked.keys()]) take(sessionId)?.close();
    },
  };
}
