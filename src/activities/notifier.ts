/** Lets one waiter sleep until something changed. A change between two waits is not lost. */
export interface Notifier {
  notify(): void;
  /** Resolves at the next `notify` (at once if there was one since the last wait) or after `ms`, if given. */
  wait(ms?: number): Promise<void>;
}

/** The longest delay that a timer can represent. */
const LONGEST_MS = 2 ** 31 - 1;

export function createNotifier(): Notifier {
  let changed = false;
  let wake: (() => void) | undefined;
  return {
    notify() {
      changed = true;
      wake?.();
    },
    async wait(ms) {
      if (!changed) {
        await new Promise<void>(resolve => {
          const timer =
            ms === undefined ? undefined : setTimeout(resolve, Math.min(Math.max(ms, 0), LONGEST_MS));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      changed = false;
    },
  };
}
