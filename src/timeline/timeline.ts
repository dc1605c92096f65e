/**
 * A session's calls over time, as data: what the terminal and the console draw. Pure; times are Unix milliseconds.
 *
 * A call's start and end are stamped by its host's clock, all else by the workflow's: where they disagree, a segment
 * begins where the one before it ended, and a run is moved as a whole.
 */
import type { CallDetail, SessionStatus } from '../workflows/messages.ts';

/** `waiting`: for its turn, a slot, a host, or the client that owns it. `posting`: its result is on its way. */
export type SegmentKind = 'waiting' | 'held' | 'running' | 'posting';

export interface Segment {
  readonly kind: SegmentKind;
  readonly from: number;
  readonly to: number;
  /** It goes on: `to` is now. */
  readonly open: boolean;
}

export type MarkKind =
  | 'allowed'
  | 'denied'
  | 'reattached'
  | 'started-again'
  | 'interrupted'
  | 'stopped'
  | 'unknown';

export interface Mark {
  readonly kind: MarkKind;
  readonly at: number;
  /** In plain words. */
  readonly text: string;
}

export interface TimelineRow {
  readonly id: string;
  readonly name: string;
  readonly summary: string;
  readonly state: CallDetail['state'];
  readonly why: string;
  readonly isError: boolean;
  /** One after the other, without gaps or overlaps; empty where no times are known. */
  readonly segments: readonly Segment[];
  /** In the order of their times. */
  readonly marks: readonly Mark[];
}

export interface Timeline {
  /** What the axis must show: all segments and marks of the rows, and now while something goes on. */
  readonly from: number;
  readonly to: number;
  /** In the order of the calls. */
  readonly rows: readonly TimelineRow[];
  /** Interrupts of the whole session or of one of its threads, within the axis. */
  readonly interrupts: readonly { readonly at: number; readonly thread: string | null }[];
}

/** @param now Unix ms; where a run is over, the time of its end tells no less. */
export function timeline(
  calls: readonly CallDetail[],
  status: Pick<SessionStatus, 'interrupts'>,
  now: number,
): Timeline {
  const rows = calls.map(call => rowOf(call, now));
  const segments = rows.flatMap(row => row.segments);
  const times = [
    ...segments.flatMap(({ from, to }) => [from, to]),
    ...rows.flatMap(row => row.marks.map(({ at }) => at)),
  ];
  const from = times.reduce((least, time) => Math.min(least, time), times[0] ?? now);
  const to = times.reduce((most, time) => Math.max(most, time), times[0] ?? now);
  const interrupts = (status.interrupts ?? []).flatMap(({ at, thread }) => {
    const time = Date.parse(at);
    return time >= from && time <= to ? [{ at: time, thread }] : [];
  });
  return { from, to, rows, interrupts };
}

function rowOf(call: CallDetail, now: number): TimelineRow {
  const { id, name, summary, state, why, isError } = call;
  const segments = segmentsOf(call, now);
  const marks = marksOf(call, segments);
  return { id, name, summary, state, why, isError, segments, marks };
}

/** What a call passes through, each until the first of the times that end it. */
function segmentsOf(call: CallDetail, now: number): Segment[] {
  const held = ms(call.heldAt);
  const decided = ms(call.decidedAt);
  const settled = ms(call.settledAt);
  const seen = ms(call.seenAt) ?? held ?? ms(call.startedAt);
  if (seen === undefined) return [];
  const { started, finished } = runOf(call, decided ?? seen, settled);
  const steps: readonly (readonly [SegmentKind, number | undefined])[] = [
    ['held', held],
    ['waiting', held === undefined ? seen : decided],
    ['running', started],
    ['posting', finished],
  ];
  const begun = steps.filter((step): step is [SegmentKind, number] => step[1] !== undefined);
  const isOver = ['settled', 'void'].includes(call.state);
  // An older run has not kept when it was settled.
  const end = settled ?? (isOver ? (finished ?? started ?? seen) : undefined);
  const segments: Segment[] = [];
  let from = seen;
  for (const [index, [kind]] of begun.entries()) {
    const next = begun[index + 1];
    const until = next === undefined ? (end ?? now) : next[1];
    const to = Math.max(from, end === undefined ? until : Math.min(until, Math.max(end, seen)));
    const open = next === undefined && end === undefined;
    if (to > from || open) segments.push({ kind, from, to, open });
    from = to;
  }
  return segments;
}

/** Its start and end by its host's clock, moved as a whole to where they can have been. */
function runOf(call: CallDetail, earliest: number, latest: number | undefined) {
  const started = ms(call.startedAt);
  const finished = ms(call.finishedAt);
  const late = Math.max(0, (finished ?? 0) - (latest ?? Number.POSITIVE_INFINITY));
  const early = Math.max(0, earliest - ((started ?? earliest) - late));
  const moved = (time: number | undefined) => (time === undefined ? undefined : time - late + early);
  return { started: moved(started), finished: moved(finished) };
}

function marksOf(call: CallDetail, segments: readonly Segment[]): Mark[] {
  const marks: Mark[] = [];
  const mark = (kind: MarkKind, at: number | undefined, text: string) => {
    if (at !== undefined) marks.push({ kind, at, text });
  };
  const by = call.decidedBy ?? 'somebody';
  if (call.confirmation !== null) {
    const kind = call.confirmation === 'allow' ? 'allowed' : 'denied';
    mark(kind, ms(call.decidedAt), `${by} ${kind} it`);
  }
  const { reattached, unfinished } = call;
  if (reattached !== undefined)
    mark('reattached', ms(reattached.at), `attached again to its tool, ${times(reattached.times)}`);
  const run = segments.find(({ kind }) => kind === 'running');
  if (call.attempts > 1) mark('started-again', run?.from, `its tool was started ${times(call.attempts)}`);
  mark('interrupted', ms(call.interruptedAt), 'the user interrupted the session');
  const end = (run ?? segments.at(-1))?.to;
  if (unfinished === 'stopped') mark('stopped', end, 'its tool was stopped, or never started');
  if (unfinished === 'unknown') mark('unknown', end, 'how it ended is not known: the agent was told so');
  return marks.sort((a, b) => a.at - b.at);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function ms(iso: string | null | undefined): number | undefined {
  const time = Date.parse(iso ?? '');
  return Number.isNaN(time) ? undefined : time;
}
