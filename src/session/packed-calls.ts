/**
 * Settled calls as rows. Each run hands on all that a session has had, so what calls have in common is written once,
 * and times as the milliseconds since the call was seen: a no-op call takes 100 characters instead of 560.
 */
import { put } from './draft.ts';
import { stampOf } from './order.ts';
import type { Call, SessionState } from './state.ts';

type SettledPhase = Extract<Call['phase'], { kind: 'settled' }>;
type SettledCall = Call & { readonly phase: SettledPhase };

/** Milliseconds since `firstSeenAt`; a text where it is no time that comes back letter by letter; null: absent. */
type Time = number | string | null;

/** `firstSeenAt` is counted from that of the row before. */
type Row = readonly [
  common: number,
  id: string,
  summary: string,
  place: number | null,
  seq: number,
  firstSeenAt: number,
  processedAt: Time,
  startedAt: number | null,
  finishedAt: number | null,
  settledAt: number | null,
  at: Time,
];

/** Plain JSON (I2). */
export interface PackedCalls {
  /** The fields that no row has, of any number of calls. */
  readonly common: readonly Readonly<Record<string, unknown>>[];
  readonly rows: readonly Row[];
}

/** Takes the settled calls out of a state. `unpacked` puts them back, and nothing is lost between. */
export function packed(state: SessionState): { readonly state: SessionState; readonly settled: PackedCalls } {
  const calls: Record<string, Call> = {};
  const settled: SettledCall[] = [];
  for (const call of Object.values(state.calls))
    if (isSettled(call)) settled.push(call);
    else put(calls, call.id, call);
  return { state: { ...state, calls }, settled: packCalls(settled) };
}

/** @param settled absent in what older code has handed on: its calls are all in the state. */
export function unpacked(state: SessionState, settled: PackedCalls = { common: [], rows: [] }): SessionState {
  const calls: Record<string, Call> = {};
  for (const call of unpackCalls(settled)) put(calls, call.id, call);
  for (const call of Object.values(state.calls)) put(calls, call.id, call);
  return { ...state, calls };
}

function packCalls(calls: readonly SettledCall[]): PackedCalls {
  const common = new Map<string, { readonly index: number; readonly fields: Record<string, unknown> }>();
  let last = 0;
  const rows = calls.map((call): Row => {
    const { id, summary, place, order, firstSeenAt, processedAt, startedAt, finishedAt, settledAt, ...rest } =
      call;
    const { at, ...phase } = call.phase;
    const stamp = stampOf(processedAt) === order.stamp ? {} : { stamp: order.stamp };
    const fields = { ...rest, ...stamp, phase };
    const key = JSON.stringify(fields);
    const { index } = common.get(key) ?? { index: common.size };
    common.set(key, { index, fields });
    const since = (ms: number | undefined) => (ms === undefined ? null : ms - firstSeenAt);
    const sinceLast = firstSeenAt - last;
    last = firstSeenAt;
    return [
      index,
      id,
      summary,
      place ?? null,
      order.seq,
      sinceLast,
      timeSince(processedAt, firstSeenAt),
      since(startedAt),
      since(finishedAt),
      since(settledAt),
      timeSince(at, firstSeenAt),
    ];
  });
  return { common: [...common.values()].map(({ fields }) => fields), rows };
}

function unpackCalls({ common, rows }: PackedCalls): Call[] {
  let last = 0;
  return rows.map(row => {
    const [index, id, summary, place, seq, sinceLast, processed, started, finished, settled, at] = row;
    const { stamp, phase, ...rest } = common[index] as {
      stamp?: string;
      phase: SettledPhase;
    } & Partial<Call>;
    const firstSeenAt = last + sinceLast;
    last = firstSeenAt;
    const processedAt = timeAt(processed, firstSeenAt);
    const since = (name: string, ms: number | null) => (ms === null ? {} : { [name]: firstSeenAt + ms });
    return {
      ...rest,
      id,
      summary,
      ...(place === null ? {} : { place }),
      order: { stamp: stamp ?? stampOf(processedAt) ?? '', seq },
      firstSeenAt,
      processedAt,
      ...since('startedAt', started),
      ...since('finishedAt', finished),
      ...since('settledAt', settled),
      phase: { ...phase, at: timeAt(at, firstSeenAt) },
    } as Call;
  });
}

function isSettled(call: Call): call is SettledCall {
  return call.phase.kind === 'settled';
}

/** Stamps differ in precision, so only what is written as we would write it is counted. */
function timeSince(text: string | null, since: number): Time {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) || new Date(ms).toISOString() !== text ? text : ms - since;
}

function timeAt(time: Time, since: number): string | null {
  return typeof time === 'number' ? new Date(since + time).toISOString() : time;
}
