/** Numbers that a seed decides: the same seed gives the same plan on every machine. Not for secrets. */

export interface Random {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number, both ends included. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  /** @throws RangeError for an empty list. */
  pick<T>(list: readonly T[]): T;
  /** One of the keys, each as likely as its weight says. @throws RangeError where no weight is above 0. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K;
}

/** @param purpose keeps streams of one seed apart: what one draws does not change what another gets. */
export function createRandom(seed: number, purpose: string): Random {
  const next = mulberry32(hash(`${seed}/${purpose}`));
  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    int,
    chance: probability => next() < probability,
    pick: list => {
      const picked = list[int(0, list.length - 1)];
      if (picked === undefined) throw new RangeError('nothing to pick from');
      return picked;
    },
    weighted: <K extends string>(weights: Readonly<Partial<Record<K, number>>>): K => {
      const entries = (Object.entries(weights) as [K, number][]).filter(([, weight]) => weight > 0);
      let rest = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        rest -= weight;
        if (rest < 0) return key;
      }
      const last = entries.at(-1);
      if (last === undefined) throw new RangeError('nothing to pick from');
      return last[0];
    },
  };
}

/** A 32-bit generator with a period of 2^32: plenty for thousands of draws. */
function mulberry32(state: number): () => number {
  let now = state;
  return () => {
    now = (now + 0x6d2b79f5) | 0;
    let mixed = Math.imul(now ^ (now >>> 15), now | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
