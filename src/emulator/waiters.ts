/** The session has ended, or the emulator closed, while somebody waited for it. */
export class SessionEnded extends Error {}

/** Promises on a session's state; they are looked at again whenever it may have changed. */
export class Waiters {
  readonly #checks = new Set<() => void>();

  /** Resolves when `reached()` holds; rejects with SessionEnded once `over()` holds and it does not. */
  until(reached: () => boolean, over: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (reached()) resolve();
      else if (over()) reject(new SessionEnded('the session has ended'));
      else return;
      this.#checks.delete(check);
    };
    this.#checks.add(check);
    check();
    return promise;
  }

  look(): void {
    for (const check of [...this.#checks]) check();
  }
}
