/** How a timeline is laid out in a page. Pure. */
import { lasted } from '../session/lasted.ts';
import type { SegmentKind, Timeline, TimelineRow } from '../timeline/timeline.ts';
import { clockWords } from './words.ts';

const VERBS: Readonly<Record<SegmentKind, readonly [string, string]>> = {
  waiting: ['waited', 'waiting for'],
  held: ['held', 'held for'],
  running: ['ran', 'running for'],
  posting: ['posted in', 'posting for'],
};

/** `held 3 min, ran 4.1 s, posted in 120 ms; alice allowed it at 12:04:31`. */
export function rowWords({ segments, marks }: TimelineRow, now: number): string {
  const spans = segments.map(
    ({ kind, from, to, open }) => `${VERBS[kind][open ? 1 : 0]} ${lasted(to - from)}`,
  );
  const said = marks.map(({ text, at }) => `${text} at ${clockWords(new Date(at).toISOString(), now)}`);
  return [spans.join(', '), ...said].filter(text => text !== '').join('; ');
}

export interface Scale {
  readonly from: number;
  readonly to: number;
}

/** Into so many steps the span is cut. */
const STEPS = 16;

/**
 * What the rows are drawn on. While something goes on, it ends a little later than now, and moves in steps, so that
 * most rows stay as they are.
 */
export function scaleOf({ from, to, rows }: Timeline): Scale {
  const goesOn = rows.some(row => row.segments.some(segment => segment.open));
  if (!goesOn) return { from, to: Math.max(from + 1, to) };
  const step = 2 ** Math.ceil(Math.log2(Math.max(1_000, (to - from) / STEPS)));
  return { from, to: from + Math.ceil((to - from + step / 4) / step) * step };
}

/** Where a time stands on the scale, in percent. */
export function percent(at: number, { from, to }: Scale): number {
  return Math.max(0, Math.min(100, ((at - from) / (to - from)) * 100));
}
