import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `read` gives something else than undefined or false; after `limitMs` (120,000) fails naming `what`. */
export async function eventually<T>(
  what: string,
  read: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`never happened within ${limitMs} ms: ${what}`);
    await sleep(25);
  }
}
