import { describe, expect, it } from 'vitest';
import {
  beatInterval,
  keepLease,
  type LeaseJob,
  type LeaseProgress,
  newLease,
} from '../../src/anthropic/lease.ts';
import { until } from '../support/until.ts';
import { answer, beat, precondition, queueServer, silence } from './queue-server.ts';
import { refusal } from './scripted-server.ts';

const WORK = { environmentId: 'env_1', workId: 'work_1' };

function job(more: Partial<LeaseJob> = {}) {
  const said: string[] = [];
  const told: LeaseProgress[] = [];
  const whole: LeaseJob = {
    work: WORK,
    token: 'sk-ant-req-planted',
    from: newLease(Date.now()),
    leaseMs: 60_000,
    now: Date.now,
    onProgress: progress => told.push(progress),
    signal: new AbortController().signal,
    log: line => said.push(line),
    ...more,
  };
  return { whole, said, told };
}

/** A job that ends when a heartbeat was answered with `last`. */
function jobUntil(last: string) {
  const stopping = new AbortController();
  const made = job({ signal: stopping.signal });
  const onProgress = (progress: LeaseProgress) => {
    made.told.push(progress);
    if (progress.last === last && !progress.unclear) setTimeout(() => stopping.abort(), 20);
  };
  return { ...made, whole: { ...made.whole, onProgress } };
}

const expected = (server: { of(route: string): { query: Readonly<Record<string, string>> }[] }) =>
  server.of('heartbeat').map(({ query }) => query.expected_last_heartbeat);

it.each([
  [120_000, 30_000],
  [60_000, 30_000],
  [30_000, 15_000],
  [2_000, 1_000],
  [500, 1_000],
])('with a ttl of %i ms it beats every %i ms', (ttl, interval) => {
  expect(beatInterval(ttl)).toBe(interval);
});

it('each heartbeat expects what the one before answered, also an empty one, until its time is over', async () => {
  const server = await queueServer({
    heartbeat: [answer(200, beat('hb-1')), answer(200, beat('')), answer(200, beat('hb-3'))],
  });
  const { whole, told } = jobUntil('hb-3');
  expect(await keepLease(server.queue, whole)).toEqual({
    kind: 'lease-ended',
    progress: { last: 'hb-3', ttlMs: 2_000, aliveAt: expect.any(Number), unclear: false },
  });
  expect(expected(server)).toEqual(['NO_HEARTBEAT', 'hb-1', '']);
  // Before each heartbeat the record says that one may be under way.
  expect(told.map(({ last, unclear }) => [last, unclear])).toEqual([
    ['NO_HEARTBEAT', true],
    ['hb-1', false],
    ['hb-1', true],
    ['', false],
    ['', true],
    ['hb-3', false],
  ]);
});

it('row 153: goes on from the last heartbeat that somebody else made', async () => {
  const server = await queueServer({ heartbeat: [answer(200, beat('hb-8'))] });
  const { whole } = job({ from: newLease(Date.now(), 'hb-7'), leaseMs: 0 });
  expect(await keepLease(server.queue, whole)).toMatchObject({
    kind: 'lease-ended',
    progress: { last: 'hb-8' },
  });
  expect(expected(server)).toEqual(['hb-7']);
});

it('row 90: a 412 is a lost lease after one heartbeat, and the line tells the server’s view', async () => {
  const server = await queueServer({ heartbeat: [answer(412, precondition())] });
  const { whole, said } = job();
  expect(await keepLease(server.queue, whole)).toEqual({
    kind: 'lost',
    reason: expect.stringContaining('412'),
  });
  expect(server.asked).toHaveLength(1);
  expect(said).toEqual([
    expect.stringMatching(/server_state=queued server_ttl_seconds=120 server_last_heartbeat=null/),
  ]);
});

it.each(['stopping', 'stopped'])('row 91: a state of %s ends it', async state => {
  const server = await queueServer({ heartbeat: [answer(200, beat('hb-1', { state }))] });
  expect(await keepLease(server.queue, job().whole)).toEqual({
    kind: 'stopping',
    reason: `the control plane says that it is ${state}`,
  });
});

it.each([401, 403, 404, 422])(
  'rows 92, 98: a %i is final at its first heartbeat, and is not a loss',
  async status => {
    const server = await queueServer({ heartbeat: [answer(status, refusal('no'))] });
    const { whole, said } = job();
    expect(await keepLease(server.queue, whole)).toEqual({
      kind: 'rejected',
      reason: expect.stringContaining(`${status}`),
    });
    expect(server.asked).toHaveLength(1);
    expect(said.join()).not.toContain('lost');
  },
);

it.each([409, 503])('rows 93, 95: a %i passes, until the ttl is over without a success', async status => {
  const server = await queueServer({
    heartbeat: [answer(200, beat('hb-1')), answer(status, refusal('later'))],
  });
  const { whole, said } = job();
  const began = performance.now();
  expect(await keepLease(server.queue, whole)).toEqual({
    kind: 'lost',
    reason: expect.stringContaining('no heartbeat has succeeded for 2 s'),
  });
  expect(performance.now() - began).toBeGreaterThanOrEqual(2_000);
  expect(server.asked.length).toBeGreaterThanOrEqual(2);
  expect(said.at(-1)).toContain('assumed lost');
});

it('rows 93, 96: one that passes before the ttl is over costs nothing', async () => {
  const server = await queueServer({
    heartbeat: [answer(200, beat('hb-1')), answer(409, refusal('busy')), answer(200, beat('hb-2'))],
  });
  expect(await keepLease(server.queue, jobUntil('hb-2').whole)).toMatchObject({
    kind: 'lease-ended',
    progress: { last: 'hb-2' },
  });
  expect(expected(server)).toEqual(['NO_HEARTBEAT', 'hb-1', 'hb-1']);
});

it('rows 94, 151: a heartbeat that is never answered is cut off each interval, and the stale lease ends it', async () => {
  const server = await queueServer({ heartbeat: [silence] });
  const { whole, said } = job({ from: { ...newLease(Date.now()), ttlMs: 2_500 } });
  expect(await keepLease(server.queue, whole)).toMatchObject({ kind: 'lost' });
  expect(server.asked.length).toBeGreaterThanOrEqual(2);
  expect(said[0]).toContain('no answer within 1250 ms');
});

describe('a heartbeat whose answer was lost', () => {
  it('is known again by the server’s word while nobody else can have the lease', async () => {
    const server = await queueServer({
      heartbeat: [
        answer(200, beat('hb-1', { ttl_seconds: 60 })),
        answer(412, precondition({ state: 'active', last_heartbeat: 'hb-2' })),
        answer(200, beat('hb-3')),
      ],
    });
    const first = await keepLease(server.queue, job({ leaseMs: 0 }).whole);
    if (first.kind !== 'lease-ended') throw new Error(first.kind);
    // Its worker was killed while hb-2 was under way.
    const { whole } = job({ from: { ...first.progress, unclear: true }, leaseMs: 0 });
    expect(await keepLease(server.queue, whole)).toMatchObject({
      kind: 'lease-ended',
      progress: { last: 'hb-3' },
    });
    expect(expected(server)).toEqual(['NO_HEARTBEAT', 'hb-1', 'hb-2']);
  });

  it('is no excuse when the item is queued again, when its ttl is over, or when none was under way', async () => {
    const mine = { last: 'hb-1', ttlMs: 60_000, aliveAt: Date.now(), unclear: true };
    for (const [current, from] of [
      [{}, mine],
      [
        { state: 'active', last_heartbeat: 'hb-2' },
        { ...mine, aliveAt: Date.now() - 61_000 },
      ],
      [
        { state: 'active', last_heartbeat: 'hb-2' },
        { ...mine, unclear: false },
      ],
    ] as const) {
      const server = await queueServer({ heartbeat: [answer(412, precondition(current))] });
      expect(await keepLease(server.queue, job({ from }).whole)).toMatchObject({ kind: 'lost' });
      expect(server.asked).toHaveLength(1);
    }
  });
});

it('ends at once with its signal, the lease alive, and says whether a heartbeat was under way', async () => {
  for (const [reply, unclear] of [
    [answer(200, beat('hb-1', { ttl_seconds: 60 })), false],
    [silence, true],
  ] as const) {
    const server = await queueServer({ heartbeat: [reply] });
    const stopping = new AbortController();
    const { whole } = job({ signal: stopping.signal });
    // Once it is asked, an answer has half a second: on a busy machine too.
    void until('a heartbeat', () => server.asked.length > 0).then(() =>
      setTimeout(() => stopping.abort(), 500),
    );
    expect(await keepLease(server.queue, whole)).toMatchObject({
      kind: 'lease-ended',
      progress: { unclear },
    });
  }
});

it('rows 81, 78: no line repeats the token', async () => {
  const server = await queueServer({
    heartbeat: [answer(503, refusal('no')), answer(409, refusal('no')), answer(412, precondition())],
  });
  const { whole, said } = job({ from: { ...newLease(Date.now()), ttlMs: 2_000 }, leaseMs: 3_000 });
  const end = await keepLease(server.queue, whole);
  expect(said.length).toBeGreaterThan(1);
  expect(JSON.stringify([end, said])).not.toContain('planted');
});
