import { afterEach, describe, expect, it } from 'vitest';
import { createWebhookReader } from '../src/anthropic/webhook-event.ts';
import type { HttpListener } from '../src/http-listener.ts';
import { startWebhook, type WebhookOptions } from '../src/webhook.ts';
import { deliver, eventBody, SIGNING_KEY, signedHeaders } from './support/delivery.ts';

const RUN_STARTED = 'session.status_run_started';
const BODY = eventBody(RUN_STARTED, 'sesn_1');

let webhook: HttpListener;
let started: string[];
let log: string[];

afterEach(() => webhook.close());

async function receive(options: Partial<WebhookOptions> = {}): Promise<string> {
  started = [];
  log = [];
  webhook = await startWebhook({
    port: 0,
    host: '127.0.0.1',
    reader: createWebhookReader(SIGNING_KEY),
    start: async id => void started.push(id),
    log: line => log.push(line),
    ...options,
  });
  return webhook.url;
}

describe('a delivery', () => {
  it('that a session runs starts it, is answered 200 after that, and is told in one line', async () => {
    let accept = () => {};
    const accepted = new Promise<void>(resolve => {
      accept = resolve;
    });
    const order: string[] = [];
    const url = await receive({
      start: async () => {
        await accepted;
        order.push('durable');
      },
    });
    const answer = deliver(url, BODY).then(given => {
      order.push('answered');
      return given;
    });
    accept();
    expect(await answer).toEqual({ status: 200, result: `wevt_1 ${RUN_STARTED} sesn_1: started` });
    expect(order).toEqual(['durable', 'answered']);
    expect(log).toEqual([`200 wevt_1 ${RUN_STARTED} sesn_1: started`]);
  });

  it.each(['session.status_idled', 'agent.created', 'something.new'])(
    'of a %s starts nothing',
    async type => {
      const url = await receive();
      expect(await deliver(url, eventBody(type, 'sesn_1'))).toMatchObject({ status: 200 });
      expect(started).toEqual([]);
    },
  );

  it('whose start fails is a 503: the sender sends it again', async () => {
    const url = await receive({
      start: () => Promise.reject(new Error('no connection\nto Temporal')),
    });
    const { status, result } = await deliver(url, BODY);
    expect([status, result]).toEqual([503, expect.stringContaining('no connection to Temporal')]);
  });

  it('of a session that is not ours starts nothing; where that cannot be told now it is a 503', async () => {
    const url = await receive({
      serves: async id => {
        if (id === 'sesn_2') throw new Error('the API is away');
        return id === 'sesn_3';
      },
    });
    const statuses = [];
    for (const id of ['sesn_1', 'sesn_2', 'sesn_3'])
      statuses.push((await deliver(url, eventBody(RUN_STARTED, id))).status);
    expect(statuses).toEqual([200, 503, 200]);
    expect(started).toEqual(['sesn_3']);
  });
});

describe('what is not from the API starts nothing', () => {
  it.each([
    ['another key', { key: `whsec_${Buffer.from('another').toString('base64')}` }],
    ['a body that was changed', { signed: eventBody(RUN_STARTED, 'sesn_2') }],
    ['a stamp of ten minutes ago', { age: 600 }],
    ['a stamp of the future', { age: -600 }],
    ['no signature', { headers: { 'webhook-signature': '' } }],
    ['a signature of another version', { headers: { 'webhook-signature': 'v0,abc' } }],
    ['a stamp that is none', { headers: { 'webhook-timestamp': 'now' } }],
  ])('%s: 401', async (_, options) => {
    const url = await receive();
    expect(await deliver(url, BODY, options)).toEqual({
      status: 401,
      result: expect.stringMatching(/^refused: /),
    });
    expect(started).toEqual([]);
    expect(log).toEqual([expect.stringMatching(/^401 refused: /)]);
  });

  it('an old delivery that is replayed with its own signature: 401', async () => {
    const url = await receive();
    const headers = signedHeaders(BODY, { age: 301 });
    const response = await fetch(url, { method: 'POST', headers, body: BODY });
    expect(response.status).toBe(401);
  });

  it.each(['not json', '', '[]', 'null', '{"data":null}', '{"data":{"type":7}}'])(
    'signed, but %j: 400',
    async body => {
      const url = await receive();
      expect((await deliver(url, body)).status).toBe(400);
      expect(started).toEqual([]);
    },
  );

  it.each(['../agents', 'sesn_1/../x', 'a\nb', '', 'x'.repeat(300)])(
    'a session whose id is %j: 400, and one line in the log',
    async id => {
      const url = await receive();
      expect((await deliver(url, eventBody(RUN_STARTED, id))).status).toBe(400);
      expect(started).toEqual([]);
      expect(log).toHaveLength(1);
      expect(log[0]).not.toContain('\n');
    },
  );

  it('a body above the limit: 413', async () => {
    const url = await receive({ maxBytes: 1_000 });
    expect(await deliver(url, 'x'.repeat(2_000))).toEqual({ status: 413, result: 'the body is too large' });
  });

  it('another path or method: 404', async () => {
    const url = await receive();
    expect((await fetch(url)).status).toBe(404);
    expect(
      (await fetch(`${url}/x`, { method: 'POST', body: BODY, headers: signedHeaders(BODY) })).status,
    ).toBe(404);
  });
});

it('says that it lives', async () => {
  const response = await fetch(`${await receive()}/health`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
});

it('answers what is under way before it closes', async () => {
  let accept = () => {};
  const asked = new Promise<void>(begun => {
    void receive({
      start: () => {
        begun();
        return new Promise<void>(resolve => {
          accept = resolve;
        });
      },
    }).then(url => {
      answer = deliver(url, BODY);
    });
  });
  let answer: ReturnType<typeof deliver> | undefined;
  await asked;
  const closing = webhook.close();
  await expect(fetch(`${webhook.url}/health`)).rejects.toThrow();
  accept();
  expect(await answer).toMatchObject({ status: 200 });
  await closing;
});

it.each(['', 'whsec_', 'whsec_not base64!'])('is not started with %j for a key', key => {
  expect(() => createWebhookReader(key)).toThrow(RangeError);
});
