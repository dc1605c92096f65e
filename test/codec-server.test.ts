import { request } from 'node:http';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CodecServerOptions, startCodecServer } from '../src/codec-server.ts';
import { keyOf } from '../src/key-ring.ts';
import { createPayloadCodec, keyIdOf } from '../src/payload-codec.ts';
import { type JsonPayload, payloadFromJson, payloadToJson } from '../src/payload-json.ts';

const KEY = keyOf(Buffer.alloc(32, 3));
const OTHER = keyOf(Buffer.alloc(32, 4));
const UI = 'http://127.0.0.1:8233';
const TOKEN = 'planted-codec-token';
const codecOf = (key = KEY) =>
  createPayloadCodec({
    encrypts: true,
    unreadable: 'tell',
    keys: async () => ({ current: key, all: new Map([[key.id, key]]) }),
  });
const payloadOf = (value: unknown) => defaultPayloadConverter.toPayload(value) as Payload;
const contentOf = (payload: JsonPayload) => defaultPayloadConverter.fromPayload(payloadFromJson(payload));

async function open(options: Partial<CodecServerOptions> = {}) {
  const log: string[] = [];
  const server = await startCodecServer({
    ...{ port: 0, host: '127.0.0.1', codec: codecOf(), token: undefined, origins: [UI], namespaces: [] },
    log: line => log.push(line),
    ...options,
  });
  onTestFinished(() => server.close());
  const post = (path: string, payloads: unknown, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof payloads === 'string' ? payloads : JSON.stringify({ payloads }),
    });
  return { url: server.url, log, post };
}

async function payloadsOf(response: Response): Promise<JsonPayload[]> {
  expect(response.status).toBe(200);
  return ((await response.json()) as { payloads: JsonPayload[] }).payloads;
}

describe('the codec server', () => {
  it('decrypts what /decode is sent, leaves what is plain, and encrypts what /encode is sent, below any path', async () => {
    const { post } = await open();
    const encrypted = await codecOf().encode([payloadOf({ command: 'ls' })]);
    const sent = [...encrypted, payloadOf('plain')].map(payloadToJson);
    const decoded = await payloadsOf(await post('/decode', sent, { 'x-namespace': 'default' }));
    expect(decoded.map(contentOf)).toEqual([{ command: 'ls' }, 'plain']);
    const encoded = await payloadsOf(await post('/deep/default/encode?preserveStorageRefs=true', decoded));
    expect(encoded.map(each => keyIdOf(payloadFromJson(each)))).toEqual([KEY.id, KEY.id]);
    expect((await payloadsOf(await post('/x/decode', encoded))).map(contentOf)).toEqual([
      { command: 'ls' },
      'plain',
    ]);
    expect(await payloadsOf(await post('/decode', '{}'))).toEqual([]);
  });

  it('puts the reason in place of a payload that it has no key for, so that the others are seen', async () => {
    const { post } = await open();
    const sent = [...(await codecOf(OTHER).encode([payloadOf('x')])), payloadOf('plain')].map(payloadToJson);
    const [told, plain] = (await payloadsOf(await post('/decode', sent))).map(contentOf);
    expect(told).toContain(`encrypted with key ${OTHER.id}, and here is only ${KEY.id}: set HOLDFAST_KEY`);
    expect(plain).toBe('plain');
  });

  it.each([
    ['no JSON', '{', 400],
    ['other JSON', '[1]', 400],
    ['what is not base64', '{"payloads":[{"data":"%%"}]}', 400],
    ['more than it takes', JSON.stringify({ payloads: [{ data: 'A'.repeat(4_000) }] }), 413],
  ])('answers %s with one line', async (_, text, status) => {
    const { post, log } = await open({ maxBytes: 2_000 });
    const response = await post('/decode', text);
    expect(response.status).toBe(status);
    expect(log).toEqual([expect.stringContaining(`${status} refused: the body`)]);
    expect(((await response.json()) as { error: string }).error).toMatch(/^the body [^\n]+$/);
  });

  it('knows nothing else', async () => {
    const { url, post } = await open();
    expect((await post('/download', [])).status).toBe(404);
    expect((await fetch(`${url}/decode`)).status).toBe(404);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  });

  it('tells nothing of a namespace that was not named', async () => {
    const { post } = await open({ namespaces: ['ours'] });
    expect((await post('/decode', [], { 'x-namespace': 'ours' })).status).toBe(200);
    expect((await post('/decode', [], { 'x-namespace': 'theirs' })).status).toBe(403);
    expect((await post('/decode', [])).status).toBe(403);
  });
});

describe('a page in a browser', () => {
  it('may ask if it is the UI, with cookies, after the browser has asked whether it may', async () => {
    const { url, post } = await open({ token: TOKEN });
    const asked = await fetch(`${url}/decode`, {
      method: 'OPTIONS',
      headers: {
        origin: UI,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-namespace,authorization,authorization-extras',
      },
    });
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type,x-namespace,authorization,authorization-extras',
    });
    const answer = await post('/decode', [], { origin: UI, authorization: `Bearer ${TOKEN}` });
    expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
  });

  it('of any other origin is refused, also with the token, and is allowed to read nothing', async () => {
    const { post, log } = await open({ token: TOKEN });
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:8235']) {
      const answer = await post('/decode', [], { origin, authorization: `Bearer ${TOKEN}` });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(log[0]).toBe('403 refused: the page https://evil.example may not ask: allow it with --ui');
  });

  it('that had its own name point to this machine is refused where no token is asked for', async () => {
    const { url } = await open();
    const status = await new Promise(resolve => {
      const headers = { host: 'evil.example', 'content-type': 'application/json' };
      request(`${url}/decode`, { method: 'POST', headers }, response => {
        response.resume();
        resolve(response.statusCode);
      }).end('{}');
    });
    expect(status).toBe(403);
  });

  it('gets a cookie for the token, which is not the token and opens as it does', async () => {
    const { url, post, log } = await open({ token: TOKEN });
    const signIn = (token: string) =>
      fetch(`${url}/sign-in`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ token }) });
    expect((await signIn('another-token-of-someone')).status).toBe(401);
    const answer = await signIn(TOKEN);
    expect(answer.status).toBe(303);
    const set = answer.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/^holdfast_codec=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Strict$/);
    const cookie = set.split(';')[0] ?? '';
    expect((await post('/decode', [], { origin: UI, cookie })).status).toBe(200);
    expect(await (await fetch(url, { headers: { cookie } })).text()).toContain('You may leave this page');
    expect(await (await fetch(url)).text()).toContain('name="token" type="password"');
    expect(log.join()).not.toContain(TOKEN);
  });
});

it.each([
  ['no header', {}],
  ['another token', { authorization: 'Bearer another-token-of-someone' }],
  ['a beginning of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
  ['the token as the cookie', { cookie: `holdfast_codec=${TOKEN}` }],
])('with a token %s is not enough', async (_, headers) => {
  const { post } = await open({ token: TOKEN });
  const answer = await post('/decode', [], headers);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toEqual({ error: 'no token, or another one: see HOLDFAST_CODEC_TOKEN' });
  expect((await post('/decode', [], { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
});
