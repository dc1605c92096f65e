/** Lets many wait for the next change of something, each with a limit of its own. */
export class Changes {
  readonly #wakers = new Set<() => void>();

  tell(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  /** Resolves at the next change, or after `ms`. */
  next(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
    });
  }
}
