/** Plausible session logs, and the ways in which lists and streams may deliver one. */
import fc from 'fast-check';
import type { SessionEvent } from '../../src/session/events.ts';
import {
  answer,
  call,
  custom,
  idle,
  interrupt,
  queued,
  running,
  terminated,
  threadEnded,
  threadRunning,
  verdict,
  waitsFor,
} from './wire.ts';

/** Events of one stamp: one commit of the server, which lists and streams deliver in its order. */
type Commit = readonly SessionEvent[];

const PERMISSIONS = [undefined, undefined, undefined, 'allow', 'ask', 'ask', 'deny', null, 'ask_strict'];
const NAMES = ['bash', 'write', 'read', 'get_weather', 'lookup'];
const PATHS = ['a', './a', 'b'];
const THREADS = [undefined, undefined, 't1', 't2'];
const VERDICTS = ['allow', 'allow', 'deny', 'escalate'];
const REASONS = ['end_turn', 'refusal', 'a_future_reason'];
/** Ids that an object without care would take for its own properties. */
const IDS = ['__proto__', 'constructor', 'toString'];

const MIXED = [
  ...['call', 'call', 'call', 'call', 'call', 'call', 'call', 'answer', 'answer', 'verdict', 'verdict'],
  ...['interrupt', 'idle', 'idle', 'waits', 'running', 'thread', 'mcp', 'end', 'thread-runs', 'thread-runs'],
];
/** Mostly calls that may run. */
const BUSY = [
  ...Array.from({ length: 20 }, () => 'call'),
  ...['answer', 'verdict', 'verdict', 'verdict', 'interrupt', 'idle', 'waits', 'running', 'thread', 'end'],
];

const line = (kinds: readonly string[]) =>
  fc.record({
    what: fc.constantFrom(...kinds),
    pick: fc.nat(1_000),
    /** Milliseconds behind the line before; 0: committed with it. */
    gap: fc.constantFrom(0, 1, 7, 900, 2_500, 40_000),
    digits: fc.constantFrom(0, 3, 6),
  });

function eventOf(what: string, pick: number, calls: string[], n: number): SessionEvent {
  const known = calls[pick % Math.max(1, calls.length)] ?? `never-${pick % 3}`;
  switch (what) {
    case 'call': {
      const id = IDS[calls.length] ?? `c${n}`;
      calls.push(id);
      const permission = PERMISSIONS[pick % PERMISSIONS.length];
      const thread = THREADS[pick % THREADS.length];
      return (pick % 5 === 0 ? custom : call)(id, NAMES[pick % NAMES.length], {
        input: { file_path: PATHS[pick % PATHS.length] },
        ...(permission === undefined ? {} : { evaluated_permission: permission }),
        ...(thread === undefined ? {} : { session_thread_id: thread }),
      });
    }
    case 'answer':
      return answer(known, pick % 2 === 0 ? 'agent.tool_result' : 'user.tool_result', `answer-${n}`);
    case 'verdict':
      return { ...verdict(known, VERDICTS[pick % VERDICTS.length] ?? 'deny'), id: `verdict-${n}` };
    case 'mcp':
      return { ...verdict(`mcp-${pick % 2}`, 'allow'), id: `verdict-${n}` };
    case 'interrupt':
      return interrupt(THREADS[pick % THREADS.length], `interrupt-${n}`);
    case 'idle':
      return idle(REASONS[pick % REASONS.length], `idle-${n}`);
    case 'waits':
      return waitsFor(pick % 4 === 0 ? ['mcp-1', known] : calls.slice(-2), `waits-${n}`);
    case 'thread-runs':
      // The primary thread’s alone: the first listing shows it before any other thread’s.
      return threadRunning('t1', `thread-runs-${n}`);
    case 'thread':
      return threadEnded(pick % 2 === 0 ? 't1' : 't2');
    case 'end':
      return pick % 4 === 0 ? terminated() : running(`running-${n}`);
    default:
      return running(`running-${n}`);
  }
}

/** A log in its order, as commits. A session's and a thread's end come once. */
const logOf = (kinds: readonly string[]): fc.Arbitrary<Commit[]> =>
  fc.array(line(kinds), { minLength: 4, maxLength: 30, size: 'max' }).map(lines => {
    const calls: string[] = [];
    const ids = new Set<string>();
    const commits: SessionEvent[][] = [];
    let now = Date.parse('2026-01-01T00:00:00Z');
    let stamp = '';
    for (const [n, { what, pick, gap, digits }] of lines.entries()) {
      const event = eventOf(what, pick, calls, n);
      if (ids.has(event.id)) continue;
      ids.add(event.id);
      // A status ends its commit.
      const together = gap === 0 && stamp !== '' && !isStatus(commits.at(-1)?.at(-1));
      now += together ? 0 : Math.max(gap, 1);
      if (!together) {
        stamp = written(now, digits);
        commits.push([]);
      }
      commits.at(-1)?.push({ ...event, processed_at: stamp });
    }
    return commits;
  });

/** A little of everything. */
export const log = logOf(MIXED);

/** A session at work. */
export const busyLog = logOf(BUSY);

function isStatus(event: SessionEvent | undefined): boolean {
  return event?.type.startsWith('session.status_') === true;
}

/** The same time with as many digits of a second as it needs, and at least `digits`. */
function written(ms: number, digits: number): string {
  const iso = new Date(ms).toISOString();
  if (digits === 6) return iso.replace('Z', '000Z');
  return digits === 0 ? iso.replace('.000Z', 'Z') : iso;
}

/**
 * All ways to see a log: cut into slices, some of it seen again by further slices, all of them interleaved; the
 * order within a slice is the log's. Verdicts are seen queued first, now and then.
 */
export function deliveries(commits: readonly Commit[]): fc.Arbitrary<SessionEvent[]> {
  const end = commits.length;
  const range = fc.tuple(fc.nat(end), fc.nat(end));
  return fc
    .tuple(
      fc.array(fc.nat(end), { maxLength: 3 }),
      fc.array(range, { maxLength: 3 }),
      fc.infiniteStream(fc.nat(7)),
    )
    .map(([cuts, again, picks]) => {
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), end];
      const parts = bounds.slice(1).map((to, index) => [bounds[index] ?? 0, to] as const);
      const ranges = [...parts, ...again.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)];
      const slices = ranges.map(([from, to]) =>
        commits.slice(from, to).flatMap(commit => withQueued(commit, picks)),
      );
      return interleaved(slices, picks);
    });
}

function withQueued(commit: Commit, picks: Iterator<number>): SessionEvent[] {
  return commit.flatMap(event =>
    event.type === 'user.tool_confirmation' && picks.next().value % 3 === 0
      ? [queued(event), event]
      : [event],
  );
}

function interleaved(slices: SessionEvent[][], picks: Iterator<number>): SessionEvent[] {
  const left = slices.filter(slice => slice.length > 0);
  const arrived: SessionEvent[] = [];
  while (left.length > 0) {
    const from = picks.next().value % left.length;
    const event = left[from]?.shift();
    if (event !== undefined) arrived.push(event);
    if (left[from]?.length === 0) left.splice(from, 1);
  }
  return arrived;
}
