/** How long sessions stood still after a strike. Pure. Times in ms. */
import type { Struck } from './striker.ts';

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Recovery {
  readonly strike: Struck;
  readonly sessionId: string;
  readonly ms: number;
}

/**
 * From each strike to the next progress of each session that it hit. Hit is a session that had something to do at
 * once: a result to deliver, or for a tool host's kill a call under way on it. Progress is a result that the API took,
 * or a tool that started.
 *
 * @param progress Unix ms by session, ascending.
 */
export function recoveriesOf(
  strikes: readonly Struck[],
  progress: ReadonlyMap<string, readonly number[]>,
): Recovery[] {
  return strikes.flatMap(strike => {
    const { at, hosts, caught, victim } = strike;
    const waiting = caught.filter(({ phase }) => phase === 'finished' || phase === 'posting');
    const hit = victim === 'tool-host' ? hosts : new Set(waiting.map(({ sessionId }) => sessionId));
    return [...hit].flatMap(sessionId => {
      const next = progress.get(sessionId)?.find(time => time > at);
      return next === undefined ? [] : [{ strike, sessionId, ms: next - at }];
    });
  });
}

/** Undefined without a sample. */
export function spreadOf(recoveries: readonly Recovery[]): Spread | undefined {
  if (recoveries.length === 0) return undefined;
  const sorted = recoveries.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}
