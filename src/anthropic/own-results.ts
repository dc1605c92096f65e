/**
 * Which results this process has posted. The stream echoes them, and an echo that is signalled back costs the
 * workflow a task for what `postResults` tells it anyway (temporal.md §4.3). An echo may overtake the answer
 * to its POST, so a result counts as ours only once the server has accepted it.
 */

export interface OwnResults {
  /** To be called before the POST; the returned function, with what came of it, after it. */
  posting(sessionId: string, callIds: readonly string[]): (accepted: boolean) => void;
  /** What is known of the result for a call; `settled` resolves with whether the server accepted ours. */
  look(sessionId: string, callId: string): Look;
}

export type Look =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'posting'; readonly settled: Promise<boolean> };

interface Entry {
  inFlight: number;
  accepted: boolean;
  waiting: ((accepted: boolean) => void)[];
}

/** @param limit how many accepted results are remembered; a forgotten one's echo is merely forwarded (I11). */
export function createOwnResults(limit = 5_000): OwnResults {
  const entries = new Map<string, Entry>();
  const key = (sessionId: string, callId: string) => `${sessionId} ${callId}`;

  function begin(at: string): void {
    const entry = entries.get(at) ?? { inFlight: 0, accepted: false, waiting: [] };
    entry.inFlight++;
    entries.delete(at);
    entries.set(at, entry);
  }

  function end(at: string, accepted: boolean): void {
    const entry = entries.get(at);
    if (entry === undefined) return;
    entry.inFlight--;
    entry.accepted ||= accepted;
    if (entry.inFlight > 0 && !entry.accepted) return;
    for (const tell of entry.waiting.splice(0)) tell(entry.accepted);
    if (!entry.accepted) entries.delete(at);
  }

  function trim(): void {
    for (const [at, entry] of entries) {
      if (entries.size <= limit) return;
      if (entry.inFlight === 0) entries.delete(at);
    }
  }

  return {
    posting(sessionId, callIds) {
      const keys = callIds.map(id => key(sessionId, id));
      for (const at of keys) begin(at);
      let open = true;
      return accepted => {
        if (!open) return;
        open = false;
        for (const at of keys) end(at, accepted);
        trim();
      };
    },
    look(sessionId, callId) {
      const entry = entries.get(key(sessionId, callId));
      if (entry === undefined) return { kind: 'foreign' };
      if (entry.accepted) return { kind: 'accepted' };
      return { kind: 'posting', settled: new Promise(resolve => entry.waiting.push(resolve)) };
    },
  };
}
