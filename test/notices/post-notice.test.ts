import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { postNotice } from '../../src/notices/post-notice.ts';
import { type Answer, type Received, startReceiver } from './receiver.ts';
import { SECRET, sample } from './sample.ts';

const OTHER = `whsec_${Buffer.from('another one, of enough bytes').toString('base64')}`;
const idle = new AbortController().signal;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function receiver(answer: (nth: number, received: Received) => Answer = () => ({ status: 204 })) {
  const made = await startReceiver(answer);
  closing.push(made.close);
  return { ...made, url: `http://127.0.0.1:${made.port}/hook/very-secret` };
}

describe('a posted notice', () => {
  it('is verified by any library of Standard Webhooks, with either of two secrets', async () => {
    const { url, received } = await receiver();
    expect(await postNotice({ url, secrets: [SECRET, OTHER], timeoutMs: 5_000 }, sample, idle)).toEqual({
      kind: 'taken',
    });
    const [one] = received;
    if (one === undefined) throw new Error('nothing came');
    for (const secret of [SECRET, OTHER])
      expect(new Webhook(secret).verify(one.body, one.headers)).toEqual(sample);
    expect(one.headers).toMatchObject({ 'webhook-id': 'msg_1', 'content-type': 'application/json' });
    expect(() => new Webhook(SECRET).verify(one.body.replace('sesn_1', 'sesn_2'), one.headers)).toThrow();
  });

  it('carries the name and password of its address as Basic authentication', async () => {
    const { port, received } = await receiver();
    const url = `http://duty:p%40ss@127.0.0.1:${port}/`;
    expect(await postNotice({ url, secrets: [SECRET], timeoutMs: 5_000 }, sample, idle)).toEqual({
      kind: 'taken',
    });
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('duty:p@ss').toString('base64')}`);
  });

  it.each([
    [{ status: 500 }, 'answered 500', undefined],
    [{ status: 410 }, 'answered 410', undefined],
    [{ status: 429, headers: { 'retry-after': '7' } }, 'answered 429', 7_000],
    [{ status: 503, headers: { 'retry-after': '86400000' } }, 'answered 503', 3_600_000],
    [{ status: 503, headers: { 'retry-after': 'soon' } }, 'answered 503', undefined],
  ])('that is answered %j is worth another try', async (answer, reason, retryAfterMs) => {
    const { url, port } = await receiver(() => answer);
    const result = await postNotice({ url, secrets: [SECRET], timeoutMs: 5_000 }, sample, idle);
    expect(result).toEqual({
      kind: 'failed',
      reason: `http://127.0.0.1:${port} ${reason}`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  });

  it('follows no redirect: it could lead to where only we can reach', async () => {
    const inside = await receiver();
    const { url } = await receiver(() => ({ status: 307, headers: { location: inside.url } }));
    const result = await postNotice({ url, secrets: [SECRET], timeoutMs: 5_000 }, sample, idle);
    expect(result).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('redirects are not followed'),
    });
    expect(inside.received).toEqual([]);
  });

  it('waits no longer than it may, and says of the address what is no secret', async () => {
    const silent = await receiver(() => ({ status: 200, never: true }));
    const late = await postNotice({ url: silent.url, secrets: [SECRET], timeoutMs: 100 }, sample, idle);
    expect(late).toEqual({
      kind: 'failed',
      reason: `http://127.0.0.1:${silent.port} did not answer within 0.1 s`,
    });
    silent.close();
    const gone = await postNotice(
      {
        url: `http://duty:hidden@127.0.0.1:${silent.port}/very-secret?token=hidden`,
        secrets: [SECRET],
        timeoutMs: 5_000,
      },
      sample,
      idle,
    );
    expect(gone).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(gone)).toContain(`http://127.0.0.1:${silent.port} cannot be reached`);
    expect(JSON.stringify([late, gone])).not.toMatch(/secret|hidden|duty/);
  });

  it('is let go of with the reason when its activity is cancelled', async () => {
    const { url } = await receiver(() => ({ status: 200, never: true }));
    const cancelled = new AbortController();
    const posting = postNotice({ url, secrets: [SECRET], timeoutMs: 60_000 }, sample, cancelled.signal);
    cancelled.abort(new Error('the worker shuts down'));
    await expect(posting).rejects.toThrow('the worker shuts down');
  });
});
