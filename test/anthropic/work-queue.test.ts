import { describe, expect, it } from 'vitest';
import { POLL_BLOCK_MS } from '../../src/anthropic/work-queue.ts';
import {
  answer,
  beat,
  ENVIRONMENT_KEY,
  precondition,
  queueServer,
  silence,
  workItem,
} from './queue-server.ts';
import { refusal } from './scripted-server.ts';

const { signal } = new AbortController();
const WORK = { environmentId: 'env_1', workId: 'work_1' };
const POLL = { blockMs: POLL_BLOCK_MS, reclaimOlderThanMs: null };

describe('a poll', () => {
  it('rows 126, 139: sends block_ms 999, no reclaim, the worker id, and the environment key as its only credential', async () => {
    const server = await queueServer(
      { poll: [answer(200, workItem())] },
      { headers: { 'x-api-key': 'sk-hand-set' } },
    );
    expect(await server.queue.poll('env_1', POLL, signal)).toEqual({
      kind: 'item',
      item: { ...WORK, data: { type: 'session', id: 'sesn_1' }, secret: null },
    });
    const [poll] = server.asked;
    expect(poll?.query).toEqual({ block_ms: '999' });
    expect(poll?.headers).toMatchObject({
      authorization: `Bearer ${ENVIRONMENT_KEY}`,
      'anthropic-beta': 'managed-agents-2026-04-01',
      'anthropic-worker-id': 'worker-1',
      'x-stainless-helper': 'environments-work-poller',
    });
    expect(poll?.headers['x-api-key']).toBeUndefined();
  });

  it('rows 140, 141: omits block_ms for null (never 0), and forwards both numbers', async () => {
    const server = await queueServer({ poll: [answer(200, null)] });
    expect(await server.queue.poll('env_1', { blockMs: null, reclaimOlderThanMs: 7_000 }, signal)).toEqual({
      kind: 'none',
    });
    await server.queue.poll('env_1', { blockMs: 250, reclaimOlderThanMs: null }, signal);
    expect(server.asked.map(({ query }) => query)).toEqual([
      { reclaim_older_than_ms: '7000' },
      { block_ms: '250' },
    ]);
  });

  it('that is answered with something else than a work item passes, with a line that says so', async () => {
    const server = await queueServer({
      poll: [
        response => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>proxy</h1>'),
        answer(200, 'work_1'),
        answer(200, { id: 'work_1' }),
        answer(200, [workItem()]),
      ],
    });
    const reasons: string[] = [];
    for (let i = 0; i < 4; i++) {
      const polled = await server.queue.poll('env_1', POLL, signal);
      expect(polled.kind).toBe('transient');
      if (polled.kind === 'transient') reasons.push(polled.reason);
    }
    expect(reasons[0]).toBe(`the API at ${server.url} answered with something that is not JSON`);
    for (const reason of reasons.slice(1)) expect(reason).toContain('something that is not a work item');
  });

  it.each([408, 409, 429, 500, 503, 529])('rows 123, 124: %i passes, and is made once', async status => {
    const server = await queueServer({ poll: [answer(status, refusal('later'), { 'retry-after': '3' })] });
    expect(await server.queue.poll('env_1', POLL, signal)).toMatchObject({
      kind: 'transient',
      reason: expect.stringContaining(`${status}`),
      retryAfterMs: 3_000,
    });
    expect(server.asked).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 412, 422])('rows 123, 124: %i is final', async status => {
    const server = await queueServer({ poll: [answer(status, refusal('never'))] });
    expect(await server.queue.poll('env_1', POLL, signal)).toEqual({
      kind: 'refused',
      status,
      reason: expect.stringMatching(new RegExp(`answered ${status}: .*never`)),
    });
  });

  it('rows 124, 131: a server that is not there passes', async () => {
    const server = await queueServer({ poll: [response => response.destroy()] });
    expect(await server.queue.poll('env_1', POLL, signal)).toMatchObject({ kind: 'transient' });
  });

  it('rows 132, 133: a fault of ours is thrown, not taken for an answer', async () => {
    const server = await queueServer({ poll: [answer(200, null)], ack: [answer(200, workItem())] });
    const aborted = AbortSignal.abort(new Error('our own fault'));
    await expect(server.queue.poll('env_1', POLL, aborted)).rejects.toThrow('our own fault');
    await expect(server.queue.ack(WORK, aborted)).rejects.toThrow('our own fault');
    expect(server.asked).toEqual([]);
  });

  it('row 137: ends with its signal while the server holds it', async () => {
    const server = await queueServer({ poll: [silence] });
    const stopping = new AbortController();
    const polled = server.queue.poll('env_1', POLL, stopping.signal);
    setTimeout(() => stopping.abort(new Error('shutting down')), 50);
    await expect(polled).rejects.toThrow('shutting down');
  });

  it('that is never answered passes after its limit', async () => {
    const server = await queueServer({ poll: [silence] }, { requestMs: 100 });
    expect(await server.queue.poll('env_1', POLL, signal)).toMatchObject({
      kind: 'transient',
      reason: expect.stringContaining('no answer within 100 ms'),
    });
  });
});

describe('an ack, a heartbeat and a stop', () => {
  it('rows 78, 126: ack as the poller, the others with the item’s token, or else with the environment key', async () => {
    const server = await queueServer({
      ack: [answer(200, workItem())],
      heartbeat: [answer(200, beat('hb-1')), answer(200, beat('', { ttl_seconds: 0 }))],
      stop: [answer(200, workItem())],
    });
    const { queue } = server;
    expect(await queue.ack(WORK, signal)).toEqual({ kind: 'acked' });
    expect(await queue.heartbeat(WORK, 'NO_HEARTBEAT', 'sk-ant-req-1', 5_000, signal)).toEqual({
      kind: 'extended',
      last: 'hb-1',
      ttlMs: 2_000,
    });
    expect(await queue.heartbeat(WORK, 'hb-1', null, 5_000, signal)).toEqual({ kind: 'extended', last: '' });
    expect(await queue.stop(WORK, 'sk-ant-req-1', signal)).toEqual({ kind: 'stopped' });
    expect(
      server.asked.map(({ route, query, headers }) => [
        route,
        query.expected_last_heartbeat,
        headers.authorization,
        headers['x-stainless-helper'],
      ]),
    ).toEqual([
      ['ack', undefined, `Bearer ${ENVIRONMENT_KEY}`, 'environments-work-poller'],
      ['heartbeat', 'NO_HEARTBEAT', 'Bearer sk-ant-req-1', 'environments-worker'],
      ['heartbeat', 'hb-1', `Bearer ${ENVIRONMENT_KEY}`, 'environments-worker'],
      ['stop', undefined, 'Bearer sk-ant-req-1', 'environments-worker'],
    ]);
    for (const { headers } of server.asked) {
      expect(headers['x-api-key']).toBeUndefined();
      expect(headers['anthropic-beta']).toBe('managed-agents-2026-04-01');
    }
  });

  it('rows 77, 146: the caller’s headers travel with every request', async () => {
    const replies = {
      poll: [answer(200, null)],
      ack: [answer(200, {})],
      heartbeat: [answer(200, beat('1'))],
      stop: [answer(200, {})],
    };
    const server = await queueServer(replies, { headers: { 'x-tenant': 'blue' } });
    await server.queue.poll('env_1', POLL, signal);
    await server.queue.ack(WORK, signal);
    await server.queue.heartbeat(WORK, 'NO_HEARTBEAT', 'token', 5_000, signal);
    await server.queue.stop(WORK, 'token', signal);
    expect(server.asked.map(({ headers }) => headers['x-tenant'])).toEqual(Array(4).fill('blue'));
  });

  it('a 412 tells what the server thinks of the lease, and an odd one at least its status', async () => {
    const server = await queueServer({
      heartbeat: [
        answer(412, precondition()),
        answer(412, precondition({ state: 'active', last_heartbeat: 'hb-9' })),
        answer(412, 'odd'),
      ],
    });
    const beats = [];
    for (let i = 0; i < 3; i++) beats.push(await server.queue.heartbeat(WORK, 'hb-1', null, 5_000, signal));
    expect(beats).toEqual([
      {
        kind: 'lost',
        server: { state: 'queued', lastHeartbeat: null, ttlSeconds: 120 },
        reason: expect.stringContaining('actual was NULL'),
      },
      {
        kind: 'lost',
        server: { state: 'active', lastHeartbeat: 'hb-9', ttlSeconds: 120 },
        reason: expect.any(String),
      },
      { kind: 'lost', server: {}, reason: expect.stringContaining('412') },
    ]);
  });

  it('a state of stopping or stopped, and a lease that was not extended, end it', async () => {
    const server = await queueServer({
      heartbeat: [
        answer(200, beat('1', { state: 'stopping' })),
        answer(200, beat('', { state: 'stopped', lease_extended: false })),
        answer(200, beat('1', { lease_extended: false })),
        answer(200, { odd: true }),
      ],
    });
    const beats = [];
    for (let i = 0; i < 4; i++) beats.push(await server.queue.heartbeat(WORK, 'hb-1', null, 5_000, signal));
    expect(beats).toMatchObject([
      { kind: 'stopping', state: 'stopping' },
      { kind: 'stopping', state: 'stopped' },
      { kind: 'stopping', state: 'not extended' },
      { kind: 'transient' },
    ]);
  });

  it('row 136: a 409 to a stop means that it is stopped already; to an ack it passes', async () => {
    const conflict = answer(409, refusal('already stopped'));
    const server = await queueServer({ stop: [conflict], ack: [conflict] });
    expect(await server.queue.stop(WORK, null, signal)).toEqual({ kind: 'already-stopped' });
    expect(await server.queue.ack(WORK, signal)).toMatchObject({ kind: 'transient' });
  });

  it('no answer, whatever it is, repeats a credential', async () => {
    const gone = answer(403, refusal('no'));
    const server = await queueServer({ poll: [gone], ack: [gone], heartbeat: [gone], stop: [gone] });
    const said = JSON.stringify([
      await server.queue.poll('env_1', POLL, signal),
      await server.queue.ack(WORK, signal),
      await server.queue.heartbeat(WORK, 'x', 'sk-ant-req-planted', 5_000, signal),
      await server.queue.stop(WORK, 'sk-ant-req-planted', signal),
    ]);
    expect(said).toContain('answered 403');
    expect(said).not.toMatch(/planted|oat01/);
  });
});
