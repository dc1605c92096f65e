/** The event ids a listener has seen of late, so that lists and streams may overlap (I1, I3). */

export interface KnownIds {
  /** @returns false when this form of the event was seen before. */
  add(event: Identified): boolean;
  /** All that are held, as `known` takes them. */
  all(): string[];
}

export interface Identified {
  readonly id: string;
  readonly processed_at: string | null;
}

/** How the fold tells the two forms of a queued user event apart. */
export function keyOf({ id, processed_at }: Identified): string {
  return processed_at === null ? `queued:${id}` : id;
}

/**
 * A queued user event comes twice, without its stamp and then with it; each form passes once.
 *
 * @param known ids as the fold keeps them: `queued:<id>` for an event without a stamp.
 * @param at the cursor that belongs to `known`, in Unix milliseconds; 0: none.
 * @param overlapMs ids older than this behind the newest stamp are forgotten: no list reaches back to them.
 * @param limit how many ids are held at most (I11); one forgotten too early is folded once all the same.
 */
export function createKnownIds(
  known: readonly string[],
  at: number,
  overlapMs: number,
  limit = 5_000,
): KnownIds {
  /** Id → stamp in Unix milliseconds, in the order they came. */
  const ids = new Map<string, number>(known.map(id => [id, at]));
  let newest = at;

  function forget(): void {
    for (const [id, stamp] of ids) {
      if (stamp >= newest - overlapMs && ids.size <= limit) return;
      ids.delete(id);
    }
  }

  return {
    add({ id, processed_at }) {
      const key = keyOf({ id, processed_at });
      if (ids.has(key) || ids.has(id)) return false;
      const stamp = Date.parse(processed_at ?? '') || newest;
      newest = Math.max(newest, stamp);
      ids.set(key, stamp);
      forget();
      return true;
    },
    all: () => [...ids.keys()],
  };
}
