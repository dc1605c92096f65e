import { afterEach, describe, expect, it } from 'vitest';
import { createNotify, type NotifyDeps, waysOf } from '../../src/activities/notify.ts';
import { startReceiver } from '../notices/receiver.ts';
import { SECRET, sample } from '../notices/sample.ts';
import { activityEnvironment } from './activity-environment.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const deps: NotifyDeps = {
  url: undefined,
  secrets: [SECRET],
  command: undefined,
  perMinute: 600,
  timeoutMs: 5_000,
  env: process.env,
  log: () => {},
};
const told = (way: 'webhook' | 'command') => ({ sessionId: 'sesn_1', notice: sample, way });

describe('notify', () => {
  it('goes the ways that are configured', () => {
    expect(waysOf(deps)).toEqual([]);
    expect(waysOf({ url: 'http://a.example', command: ['page'] })).toEqual(['webhook', 'command']);
  });

  it('fails for Temporal to try again, and counts what came of each try', async () => {
    const { port, received, close } = await startReceiver(nth => ({ status: nth === 1 ? 500 : 204 }));
    closing.push(close);
    const seen: string[] = [];
    const notify = createNotify({
      ...deps,
      url: `http://127.0.0.1:${port}/hidden`,
      observe: (...what) => seen.push(what.join(' ')),
    });
    const first = activityEnvironment().run(notify, told('webhook'));
    await expect(first).rejects.toMatchObject({ type: 'NoticeNotTaken', nonRetryable: false });
    await expect(first).rejects.not.toThrow('hidden');
    await activityEnvironment().run(notify, told('webhook'));
    expect(seen).toEqual(['webhook session.stuck failed', 'webhook session.stuck sent']);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['msg_1']));
  });

  it('leaves what is above the worker’s limit to a later try, without asking anybody', async () => {
    const { port, received, close } = await startReceiver(() => ({ status: 204 }));
    closing.push(close);
    const notify = createNotify({ ...deps, url: `http://127.0.0.1:${port}/`, perMinute: 1 });
    await activityEnvironment().run(notify, told('webhook'));
    await expect(activityEnvironment().run(notify, told('webhook'))).rejects.toMatchObject({
      type: 'NoticeLimited',
      nextRetryDelay: expect.any(Number),
    });
    expect(received).toHaveLength(1);
  });

  it('asks for another worker where this one has no receiver', async () => {
    await expect(activityEnvironment().run(createNotify(deps), told('command'))).rejects.toMatchObject({
      type: 'NoticeNotConfigured',
      nonRetryable: false,
    });
  });
});
