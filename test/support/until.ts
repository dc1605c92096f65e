import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `read` gives something else than undefined or false, for 15 s; then fails naming `what`. */
export async function until<T>(what: string, read: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const value = read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(5);
  }
}
