/**
 * When a session counts as stuck: what should pass by itself soon has been waited for too long. A person, the agent,
 * another client and a tool within its time may take as long as they like, so they are no waits here.
 */

export interface Wait {
  /** In words, to stand behind "waits for". */
  readonly what: string;
  /** Unix ms of the workflow's clock; for a tool that runs: when its time is over. */
  readonly since: number;
}

/** The wait that has lasted longest, where it has lasted for `afterMs`. @param afterMs 0: no session is ever stuck. */
export function stuckOn(waits: readonly Wait[], now: number, afterMs: number): Wait | undefined {
  const first = oldest(waits);
  return afterMs > 0 && first !== undefined && now - first.since >= afterMs ? first : undefined;
}

/** When (Unix ms) the session will be stuck unless a wait ends before; undefined: nothing is waited for. */
export function stuckFrom(waits: readonly Wait[], afterMs: number): number | undefined {
  const first = oldest(waits);
  return first === undefined || afterMs <= 0 ? undefined : first.since + afterMs;
}

function oldest(waits: readonly Wait[]): Wait | undefined {
  return waits.reduce<Wait | undefined>((a, b) => (a === undefined || b.since < a.since ? b : a), undefined);
}
