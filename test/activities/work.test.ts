/** The activities of a work item against a queue of HTTP. */
import { describe, expect, it } from 'vitest';
import { createKeepLease, type LeaseProgress } from '../../src/activities/keep-lease.ts';
import { createAckWork, createStopWork } from '../../src/activities/work.ts';
import { answer, beat, precondition, queueServer } from '../anthropic/queue-server.ts';
import { refusal } from '../anthropic/scripted-server.ts';
import { activityEnvironment } from './activity-environment.ts';

const WORK = { sessionId: 'sesn_1', environmentId: 'env_1', workId: 'work_1' };

describe('ackWork', () => {
  it('a refusal is one, unless an earlier ack may have arrived: then the heartbeats tell', async () => {
    const server = await queueServer({ ack: [answer(404, refusal('gone'))] });
    const ackWork = createAckWork({ workQueue: server.queue });
    const ack = (sentBefore: boolean) => activityEnvironment().run(ackWork, { ...WORK, sentBefore });
    expect(await ack(false)).toEqual({ kind: 'refused', reason: expect.stringContaining('404') });
    expect(await ack(true)).toEqual({ kind: 'unclear', reason: expect.stringContaining('404') });
  });

  it.each([409, 503])('a %i is retried by Temporal, with the delay that the API names', async status => {
    const server = await queueServer({ ack: [answer(status, refusal('later'), { 'retry-after': '2' })] });
    const ackWork = createAckWork({ workQueue: server.queue });
    await expect(activityEnvironment().run(ackWork, { ...WORK, sentBefore: false })).rejects.toMatchObject({
      type: 'ApiUnavailable',
      nextRetryDelay: 2_000,
    });
    expect(server.asked).toHaveLength(1);
  });
});

describe('stopWork', () => {
  it('row 136: an item that is stopped already is no failure, and a refusal is told, not retried', async () => {
    const server = await queueServer({
      stop: [answer(200, {}), answer(409, refusal('stopped')), answer(403, refusal('no'))],
    });
    const stopWork = createStopWork({ workQueue: server.queue });
    const stops = [];
    for (let i = 0; i < 3; i++) stops.push((await activityEnvironment().run(stopWork, WORK)).kind);
    expect(stops).toEqual(['stopped', 'already-stopped', 'refused']);
  });
});

describe('keepLease', () => {
  const input = { ...WORK, from: null, leaseMs: 0 };

  it('heartbeats where the lease stands, and goes on there in its next attempt', async () => {
    const server = await queueServer({ heartbeat: [answer(200, beat('hb-1')), answer(200, beat('hb-2'))] });
    const first = activityEnvironment();
    await first.run(createKeepLease({ workQueue: server.queue, log: () => undefined }), input);
    const left = first.heartbeats.at(-1) as LeaseProgress;
    expect(left).toMatchObject({ last: 'hb-1', ttlMs: 2_000, unclear: false });
    // Another process: it knows nothing but what Temporal was told.
    const elsewhere = createKeepLease({ workQueue: server.queue, log: () => undefined });
    await activityEnvironment(left).run(elsewhere, input);
    const expected = server.of('heartbeat').map(({ query }) => query.expected_last_heartbeat);
    expect(expected).toEqual(['NO_HEARTBEAT', 'hb-1']);
  });

  it('knows better than Temporal what it did itself, while Temporal could not hear of it', async () => {
    const server = await queueServer({ heartbeat: [answer(200, beat('hb-1'))] });
    const keepLease = createKeepLease({ workQueue: server.queue, log: () => undefined });
    await activityEnvironment().run(keepLease, input);
    await activityEnvironment().run(keepLease, input);
    const expected = server.of('heartbeat').map(({ query }) => query.expected_last_heartbeat);
    expect(expected).toEqual(['NO_HEARTBEAT', 'hb-1']);
  });

  it('of an item that its session held before takes its own newest heartbeat for its own', async () => {
    const server = await queueServer({
      heartbeat: [
        answer(412, precondition({ state: 'active', last_heartbeat: 'hb-9' })),
        answer(200, beat('hb-10')),
      ],
    });
    const keepLease = createKeepLease({ workQueue: server.queue, log: () => undefined });
    expect(await activityEnvironment().run(keepLease, { ...input, again: true })).toMatchObject({
      kind: 'lease-ended',
      progress: { last: 'hb-10' },
    });
  });

  it('at the worker’s shutdown hands over where it stands', async () => {
    const server = await queueServer({ heartbeat: [answer(200, beat('hb-1', { ttl_seconds: 60 }))] });
    const keepLease = createKeepLease({ workQueue: server.queue, log: () => undefined });
    const around = activityEnvironment();
    setTimeout(() => around.shutDown(), 200);
    await expect(around.run(keepLease, { ...input, leaseMs: 60_000 })).rejects.toMatchObject({
      type: 'HandedOver',
    });
    expect(around.heartbeats.at(-1)).toMatchObject({ last: 'hb-1' });
  });
});
