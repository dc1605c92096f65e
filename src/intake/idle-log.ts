/** Keeps an idle poll loop visible without a line a poll: once when it goes idle, then every five minutes. */

const REMIND_MS = 300_000;

export interface IdleLog {
  empty(): void;
  /** Something was found: the next empty poll is news again. */
  found(): void;
}

/** @param now milliseconds of a clock that nobody sets. */
export function createIdleLog(
  log: (line: string) => void,
  environmentId: string,
  now: () => number = () => performance.now(),
): IdleLog {
  let since: number | undefined;
  let saidAt = 0;
  return {
    empty() {
      const at = now();
      if (since === undefined) {
        since = saidAt = at;
        log(`no work in ${environmentId}; polling`);
      } else if (at - saidAt >= REMIND_MS) {
        saidAt = at;
        log(`still polling ${environmentId}; idle for ${Math.round((at - since) / 1_000)} s`);
      }
    },
    found() {
      since = undefined;
    },
  };
}
