/** One reading at a time for a key, and none sooner than it is worth: however many look, Temporal is asked once. */

const KEYS = 500;

/**
 * @param pauseMs how long a reading is good for; a slow one longer, so that reading is a small part of the time.
 * @returns `read` with a memory. A reading that failed is not kept.
 */
export function kept<T>(
  read: (key: string) => Promise<T>,
  pauseMs: number,
): ((key: string) => Promise<T>) & { forget(key: string): void } {
  const readings = new Map<string, { value: Promise<T>; until: number }>();
  const ask = (key: string): Promise<T> => {
    const known = readings.get(key);
    if (known !== undefined && performance.now() < known.until) return known.value;
    const began = performance.now();
    const reading = { value: read(key), until: Number.POSITIVE_INFINITY };
    readings.delete(key);
    readings.set(key, reading);
    const [oldest] = readings.keys();
    if (readings.size > KEYS && oldest !== undefined) readings.delete(oldest);
    reading.value.then(
      () => {
        const took = performance.now() - began;
        reading.until = performance.now() + Math.max(pauseMs, SLOWNESS * took);
      },
      () => {
        if (readings.get(key) === reading) readings.delete(key);
      },
    );
    return reading.value;
  };
  return Object.assign(ask, { forget: (key: string) => void readings.delete(key) });
}

const SLOWNESS = 4;
