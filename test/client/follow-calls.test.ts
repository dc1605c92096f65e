/** Following a session: each call once, whatever runs it went through, and however late somebody looks. */
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/client/asking.ts';
import { type FollowOptions, followCalls } from '../../src/client/follow-calls.ts';
import type { SessionCall } from '../../src/client/session-call.ts';
import { sessionHandle } from '../../src/client/session-handle.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/evolve.ts';
import { carried } from '../../src/session/records.ts';
import { initialState, type SessionState } from '../../src/session/state.ts';
import { answer, at, call, custom, READY } from '../session/wire.ts';
import { until } from '../support/until.ts';
import { FakeTemporal } from './fake-temporal.ts';

const FAST: FollowOptions = { leastPauseMs: 5, mostPauseMs: 5, quietPauseMs: 5 };
const READ = fold(initialState('sesn_1'), READY, 1);

/** Calls of others, each answered by them: over at once, and small enough for thousands. */
function others(from: number, to: number): SessionEvent[] {
  return Array.from({ length: to - from }, (_, i) => from + i).flatMap(i => [
    at(i, custom(`c${i}`, 'not_ours')),
    at(i, answer(`c${i}`, 'user.custom_tool_result')),
  ]);
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `c${from + i}`);
const grown = (state: SessionState, ...events: SessionEvent[]) => fold(state, events, 1);

/** Collects what is told until it ends. */
function follow(temporal: FakeTemporal, runId: string, options: FollowOptions & { isOver?: true } = {}) {
  const told: string[] = [];
  const { isOver = false, ...rest } = options;
  const done = (async () => {
    const from = { runId, place: 0, isOver };
    const calls = followCalls(temporal.client, 'sesn_1', from, { ...FAST, ...rest });
    for await (const { id } of calls) told.push(id);
  })();
  return { told, done };
}

describe('calls are told once each', () => {
  it('those that were over before, then each as it comes, and the rest with the run’s end', async () => {
    const temporal = new FakeTemporal();
    const run = temporal.add('a', grown(READ, ...others(0, 500)));
    const { told, done } = follow(temporal, 'a');
    await until('the first are told', () => told.length === 500);
    run.run.state = grown(run.run.state, ...others(500, 502));
    await until('the next are told', () => told.length === 502);
    run.run.state = grown(run.run.state, ...others(502, 503));
    run.end({ kind: 'done' });
    await done;
    expect(told).toEqual(ids(0, 503));
  });

  it('through continue-as-new, also what came between the two looks', async () => {
    const temporal = new FakeTemporal();
    const first = temporal.add('a', grown(READ, ...others(0, 3)));
    const { told, done } = follow(temporal, 'a');
    await until('the first are told', () => told.length === 3);
    const next = temporal.add(
      'b',
      grown(carried(grown(first.run.state, ...others(3, 5))), ...others(5, 6)),
      'a',
    );
    first.end({ kind: 'continued', next: 'b' });
    next.end({ kind: 'done' });
    await done;
    expect(told).toEqual(ids(0, 6));
  });

  it('though its worker is away when the run ends', async () => {
    const temporal = new FakeTemporal();
    const run = temporal.add('a', grown(READ, ...others(0, 5)));
    temporal.away = new Error('no worker');
    const { told, done } = follow(temporal, 'a');
    await until('it was asked', () => temporal.queries > 0);
    run.end({ kind: 'done' });
    await done;
    expect(told).toEqual(ids(0, 5));
  });

  it('to one who comes when all is over, without a question to a worker', async () => {
    const temporal = new FakeTemporal();
    temporal.away = new Error('no worker');
    temporal.add('a', grown(READ, ...others(0, 5))).end({ kind: 'done' });
    const { told, done } = follow(temporal, 'a', { isOver: true });
    await done;
    expect([told, temporal.queries]).toEqual([ids(0, 5), 0]);
  });

  it('of a run that was ended by hand, which has no result: its worker is asked', async () => {
    const temporal = new FakeTemporal();
    temporal.add('a', grown(READ, ...others(0, 5), at(9, call('open')))).end({ kind: 'terminated' });
    const { told, done } = follow(temporal, 'a');
    await done;
    expect(told).toEqual(ids(0, 5));
  });
});

describe('a session of thousands of calls, of which a run carries the newest only', () => {
  /** Three runs: the last two have forgotten most. */
  function long() {
    const temporal = new FakeTemporal();
    const a = temporal.add('a', grown(READ, ...others(0, 6_000)));
    const b = temporal.add('b', grown(carried(a.run.state), ...others(6_000, 6_003)), 'a');
    const c = temporal.add('c', grown(carried(b.run.state), ...others(6_003, 6_005)), 'b');
    expect(c.run.state.forgotten).toBeGreaterThan(1_000);
    a.end({ kind: 'continued', next: 'b' });
    b.end({ kind: 'continued', next: 'c' });
    c.end({ kind: 'done' });
    return { temporal, a, b };
  }

  it('is told whole to one who comes late: the runs before are asked for what they had', async () => {
    const { temporal } = long();
    let missing = 0;
    const { told, done } = follow(temporal, 'c', {
      onMissing: calls => {
        missing += calls;
      },
    });
    await done;
    expect(told).toEqual(ids(0, 6_005));
    expect(missing).toBe(0);
  });

  it('is told as far as Temporal remembers it, and how many calls that leaves out', async () => {
    const { temporal, a } = long();
    a.forgotten = true;
    let missing = 0;
    const { told, done } = follow(temporal, 'c', {
      onMissing: calls => {
        missing += calls;
      },
    });
    await done;
    expect(missing).toBeGreaterThan(1_000);
    expect(told).toEqual(ids(missing, 6_005));
  });

  it('costs one who follows it no list of all at each look', async () => {
    const temporal = new FakeTemporal();
    const run = temporal.add('a', grown(READ, ...others(0, 2_000)));
    const { told, done } = follow(temporal, 'a');
    await until('all are told', () => told.length === 2_000);
    expect(temporal.queries).toBeLessThanOrEqual(11);
    run.end({ kind: 'done' });
    await done;
  });

  it('asks no worker while nothing happens, and tells what comes after that', async () => {
    const temporal = new FakeTemporal();
    const run = temporal.add('a', grown(READ, ...others(0, 1)));
    const { told, done } = follow(temporal, 'a');
    await until('it was described twice', () => temporal.described > 2);
    const { queries, described } = temporal;
    await until('it was described again', () => temporal.described > described + 5);
    expect(temporal.queries).toBe(queries);
    run.run.state = grown(run.run.state, ...others(1, 2));
    await until('the next is told', () => told.length === 2);
    run.end({ kind: 'done' });
    await done;
  });
});

describe('the waiting ends', () => {
  it('when the signal is aborted: the iteration is over, as with the SDK’s runner', async () => {
    const temporal = new FakeTemporal();
    temporal.add('a', grown(READ, ...others(0, 1)));
    const controller = new AbortController();
    const told: string[] = [];
    const handle = sessionHandle(temporal.client, 'sesn_1', 'a');
    for await (const each of handle.calls({ ...FAST, signal: controller.signal })) {
      told.push(each.toolUseId);
      controller.abort();
    }
    expect(told).toEqual(['c0']);
  });

  it('with an error that says whom to look for, when nobody answers for too long', async () => {
    const temporal = new FakeTemporal();
    temporal.add('a', READ);
    temporal.away = new Error('no poller');
    const { done } = follow(temporal, 'a', { unansweredMs: 1 });
    await expect(done).rejects.toThrow(HoldfastError);
    await expect(done).rejects.toThrow(
      /nobody has answered for the calls of sesn_1.*no poller.*a worker run\?/,
    );
  });

  it('and an answer that comes in between counts', async () => {
    const temporal = new FakeTemporal();
    const run = temporal.add('a', grown(READ, ...others(0, 1)));
    temporal.away = new Error('a deploy');
    const { told, done } = follow(temporal, 'a', { unansweredMs: 60_000 });
    await until('it was asked', () => temporal.queries > 0);
    temporal.away = undefined;
    await until('it is told', () => told.length === 1);
    run.end({ kind: 'done' });
    await done;
  });
});

describe('a cursor', () => {
  it('goes on behind the call that it came with, and counts for nothing in a later start of the session', async () => {
    const temporal = new FakeTemporal();
    temporal.add('a', grown(READ, ...others(0, 3))).end({ kind: 'done' });
    temporal.add('z', grown(READ, ...others(0, 3))).end({ kind: 'done' });
    const read = async (runId: string, from?: string) => {
      const calls = sessionHandle(temporal.client, 'sesn_1', runId).calls({ ...FAST, after: from });
      const told: SessionCall[] = [];
      for await (const each of calls) told.push(each);
      return told;
    };
    const [, second] = await read('a');
    expect((await read('a', second?.cursor)).map(({ toolUseId }) => toolUseId)).toEqual(['c2']);
    expect(await read('z', second?.cursor)).toHaveLength(3);
    expect(await read('a', 'nonsense')).toHaveLength(3);
  });
});
