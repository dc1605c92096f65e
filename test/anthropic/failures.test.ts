import { afterEach, expect, test } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import { type ClassifyOptions, classify, type Failure } from '../../src/anthropic/failures.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import { type Answer, json, refusal, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

let server: ScriptedServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** What a retrieve against a server that answers so is classified as. */
async function failureOf(answer: Answer, options: ClassifyOptions = {}): Promise<Failure> {
  server = await startScriptedServer(answer);
  return failureAt(server.url, 'sesn_1', options);
}

async function failureAt(baseURL: string, id: string, options: ClassifyOptions = {}): Promise<Failure> {
  const feed = createSessionFeed(createClient({ baseURL, apiKey: 'sk-ant-secret' }), { requestMs: 300 });
  const error = await feed.retrieve(id).then(
    () => undefined,
    thrown => thrown,
  );
  expect(error).toBeDefined();
  return classify(error, { address: feed.address, ...options });
}

test.each([400, 405, 410, 412, 413, 422])(
  'row 124: %i is refused, with the words of the API',
  async status => {
    expect(await failureOf(response => json(response, status, refusal('no,\n  not so')))).toEqual({
      kind: 'refused',
      status,
      message: 'no, not so',
    });
  },
);

test.each([401, 403])('%i is unauthorized', async status => {
  const failure = await failureOf(response => json(response, status, refusal('bad key')));
  expect(failure).toEqual({ kind: 'unauthorized', status, message: 'bad key' });
});

test('404 is not found', async () => {
  const failure = await failureOf(response => json(response, 404, refusal('no session')));
  expect(failure).toEqual({ kind: 'not-found', message: 'no session' });
});

test.each([408, 409, 429, 500, 503, 529])('row 124: %i passes, and says where and what', async status => {
  const failure = await failureOf(response => json(response, status, refusal('later')));
  expect(failure).toEqual({
    kind: 'transient',
    reason: `the API at ${server?.url} answered ${status}: later`,
  });
});

test.each([
  ['retry-after', '2', 2_000],
  ['retry-after', '0.25', 250],
  ['retry-after-ms', '120', 120],
  ['retry-after', '3600', 5_000],
  ['retry-after', '0', undefined],
  ['retry-after', 'Thu, 01 Jan 1970 00:00:00 GMT', undefined],
  ['retry-after', 'soon', undefined],
])('%s: %s asks for %s ms', async (name, value, retryAfterMs) => {
  const failure = await failureOf(response => json(response, 429, refusal('slow down'), { [name]: value }), {
    retryAfterCapMs: 5_000,
  });
  expect(failure).toMatchObject({ kind: 'transient' });
  expect('retryAfterMs' in failure ? failure.retryAfterMs : undefined).toBe(retryAfterMs);
});

test('a retry-after date is a delay from now', async () => {
  const at = new Date(Date.now() + 600_000).toUTCString();
  const failure = await failureOf(response => json(response, 503, {}, { 'retry-after': at }), {
    retryAfterCapMs: 10_000_000,
  });
  expect(failure).toMatchObject({ kind: 'transient', retryAfterMs: expect.any(Number) });
  expect(failure.kind === 'transient' && (failure.retryAfterMs ?? 0)).toBeGreaterThan(500_000);
});

test('an API that is not there is named in one line with its address', async () => {
  server = await startScriptedServer(() => undefined);
  const { url } = server;
  await server.close();
  const failure = await failureAt(url, 'sesn_1');
  expect(failure).toMatchObject({ kind: 'transient' });
  const reason = failure.kind === 'transient' ? failure.reason : '';
  expect(reason).toContain(`cannot reach the API at ${url}: `);
  expect(reason).toContain('ECONNREFUSED');
  expect(reason).not.toContain('\n');
});

test('W-23: an API that does not answer in time passes', async () => {
  const failure = await failureOf(() => undefined);
  expect(failure).toEqual({
    kind: 'transient',
    reason: `the API at ${server?.url} gave no answer within 300 ms`,
  });
});

test('an answer whose body never ends runs into the same limit', async () => {
  const failure = await failureOf(response => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
  });
  expect(failure).toEqual({
    kind: 'transient',
    reason: `the API at ${server?.url} gave no answer within 300 ms`,
  });
});

test('a connection that is cut within the answer passes', async () => {
  const failure = await failureOf(response => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"id":');
    setTimeout(() => response.destroy(), 20);
  });
  expect(failure).toMatchObject({ kind: 'transient' });
});

test('garbage in place of JSON passes', async () => {
  const failure = await failureOf(response => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('<html>maintenance</html>');
  });
  expect(failure).toEqual({
    kind: 'transient',
    reason: `the API at ${server?.url} answered with something that is not JSON`,
  });
});

test('an error page keeps to one short line', async () => {
  const failure = await failureOf(response => {
    response.writeHead(502, { 'content-type': 'text/html' }).end(`<html>\n${'x'.repeat(5_000)}</html>`);
  });
  const reason = failure.kind === 'transient' ? failure.reason : '';
  expect(reason).toContain('answered 502');
  expect(reason.length).toBeLessThanOrEqual(500);
  expect(reason).not.toContain('\n');
});

test.each(['..', ''])('the malformed id %j is refused before any request is made', async id => {
  server = await startScriptedServer(response => json(response, 200, {}));
  const failure = await failureAt(server.url, id);
  expect(failure).toMatchObject({ kind: 'refused', status: 400 });
  expect(server.requests).toEqual([]);
});

test('no message holds the key', async () => {
  const failure = await failureOf(response => json(response, 401, refusal('invalid bearer token')));
  expect(JSON.stringify(failure)).not.toContain('sk-ant-secret');
});

test.each(['sk-planted\nkey', 'sk-planted\u2028key'])(
  'a key that no header can hold is final, and not told: %j',
  async apiKey => {
    const client = createClient({ apiKey, baseURL: 'http://127.0.0.1:1' });
    const error = await client.beta.sessions.retrieve('sesn_1').catch((thrown: unknown) => thrown);
    const failure = classify(error);
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('cannot be sent') });
    expect(JSON.stringify(failure)).not.toContain('planted');
  },
);

test('a password in the address is not told', async () => {
  const client = createClient({ apiKey: 'key', baseURL: 'http://user:planted@127.0.0.1:1' });
  const error = await client.beta.sessions.retrieve('sesn_1').catch((thrown: unknown) => thrown);
  expect(classify(error)).toMatchObject({ reason: expect.stringContaining('//…@127.0.0.1') });
});
