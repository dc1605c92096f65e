/** Ctrl-C and its kin for commands that must clean up what they started. */

/** As a shell tells that a signal ended a program. */
const EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Ending = keyof typeof EXIT;
const SIGNALS = Object.keys(EXIT) as Ending[];

export interface EndingSignals {
  /** Aborts at the first signal; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** The exit status that the signal asks for; undefined when none came. */
  status(): number | undefined;
  /** Signals end the process again. */
  release(): void;
}

export function catchEndingSignals(): EndingSignals {
  const interrupt = new AbortController();
  let status: number | undefined;
  const onSignal = (signal: Ending) => {
    // A second one does not wait for the clean-up.
    if (status !== undefined) process.exit(EXIT[signal]);
    status = EXIT[signal];
    interrupt.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: interrupt.signal,
    status: () => status,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
