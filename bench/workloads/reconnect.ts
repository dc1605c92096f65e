/** A session with a long history whose stream breaks: what it costs to be listening again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestEntry } from '../../src/emulator/request-log.ts';
import type { NewEvent } from '../../src/emulator/session.ts';
import { measure } from '../meter.ts';
import { serially, times } from '../player.ts';
import type { Stage } from '../stage.ts';
import { MEDIAN_TIME } from './keys.ts';
import { ALL_MODES, EVERYBODY, type Workload } from './workload.ts';

const LIMIT_MS = 120_000;
const NOOP = { name: 'noop' };

/** So that a listener which looks back a minute is told of a minute. */
const APART_MS = 1_000;

/** Turns of ten events with one call that was answered. */
export function longHistory(events: number): NewEvent[] {
  const started = Date.now() - events * APART_MS;
  const kinds = [
    'span.model_request_start',
    'agent.thinking',
    'agent.message',
    'span.model_request_end',
    'agent.custom_tool_use',
    'session.status_idle',
    'user.custom_tool_result',
    'session.status_running',
    'span.model_request_start',
    'span.model_request_end',
  ];
  return Array.from({ length: events }, (_, i) => {
    const type = kinds[i % kinds.length] ?? 'agent.message';
    const call = `sevt_past_${Math.floor(i / kinds.length)}`;
    const processed_at = new Date(started + i * APART_MS).toISOString();
    return { type, processed_at, ...fieldsOf(type, call) };
  });
}

function fieldsOf(type: string, call: string): object {
  const content = [{ type: 'text', text: 'x'.repeat(500) }];
  switch (type) {
    case 'agent.custom_tool_use':
      return { id: call, name: 'noop', input: {} };
    case 'user.custom_tool_result':
      return { custom_tool_use_id: call, content, is_error: false };
    case 'session.status_idle':
      return { stop_reason: { type: 'requires_action', event_ids: [call] } };
    case 'agent.message':
      return { content };
    default:
      return {};
  }
}

interface Reconnect {
  /** From the first request after the cut to the answer of the last list, ms. */
  readonly ms: number;
  readonly lists: number;
  readonly bytes: number;
}

/** Cuts the stream; resolves when a call that came after it is answered, since by then all is listed. */
async function reconnect(stage: Stage, cut: () => void, call: () => Promise<unknown>): Promise<Reconnect> {
  const lists: { at: number; bytes: number }[] = [];
  let first: number | undefined;
  const forget = stage.onRequest((entry: RequestEntry) => {
    if (entry.route !== 'list' && entry.route !== 'stream') return;
    first ??= performance.now() - (Date.now() - entry.at);
    if (entry.route === 'list') lists.push({ at: performance.now(), bytes: entry.bytes ?? 0 });
  });
  try {
    cut();
    await call();
    const last = lists.at(-1)?.at ?? first ?? 0;
    return {
      ms: last - (first ?? last),
      lists: lists.length,
      bytes: lists.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  } finally {
    forget();
  }
}

export const reconnect50k: Workload = {
  name: 'reconnect-50k',
  title: 'a cut stream, in a session of 50,000 events',
  peers: EVERYBODY,
  key: MEDIAN_TIME,
  sessions: { quick: 1, normal: 1, full: 1 },
  modes: ALL_MODES,
  limitMs: LIMIT_MS,
  prepare: async stage => {
    const events = { quick: 1_000, normal: 50_000, full: 50_000 }[stage.mode];
    const cuts = { quick: 1, normal: 2, full: 5 }[stage.mode];
    const [player] = await stage.players(1, { history: longHistory(events) });
    if (player === undefined) throw new Error('no session');
    const call = () => player.play(LIMIT_MS, agent => serially(agent, times(1, NOOP)));
    await call();
    return () =>
      measure(stage, [player.id], async () => {
        const done: Reconnect[] = [];
        const untilAnswered: number[] = [];
        for (let i = 0; i < cuts; i++) {
          // What answered the call before may still be posting to the history.
          await sleep(100);
          const began = performance.now();
          done.push(await reconnect(stage, () => player.session.cutStreams(), call));
          untilAnswered.push(performance.now() - began);
        }
        const mean = (of: (one: Reconnect) => number) => done.reduce((sum, one) => sum + of(one), 0) / cuts;
        return {
          times: done.map(({ ms }) => ms),
          calls: cuts,
          figures: {
            'lists a reconnect': mean(({ lists }) => lists),
            'kB a reconnect': mean(({ bytes }) => bytes) / 1_000,
            'from the cut to the next result, ms': untilAnswered.reduce((a, b) => a + b, 0) / cuts,
          },
        };
      });
  },
};
