import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createClient } from '../../src/anthropic/client.ts';
import { createSessionFeed, type SessionFeed } from '../../src/anthropic/session-feed.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

/** Every kind of request that a runner makes of a session. */
async function useEverything(feed: SessionFeed): Promise<void> {
  const session = emulator.createSession({ script: 'manual' });
  const closing = new AbortController();
  await feed.openStream(session.id, { signal: closing.signal });
  for await (const page of feed.listPages(session.id)) expect(page).toBeInstanceOf(Array);
  await feed.send(session.id, [{ type: 'user.message', content: [{ type: 'text', text: 'hello' }] }]);
  await feed.retrieve(session.id);
  closing.abort();
  expect(emulator.requests().map(request => request.route)).toEqual(['stream', 'list', 'send', 'retrieve']);
}

function sent(header: string): (string | undefined)[] {
  return emulator.requests().map(request => request.headers[header]);
}

describe('row 67: the credential of an environment', () => {
  test('an environment key is the only credential on the wire, whatever else the process knows', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-ant-api-from-env');
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-from-env');
    vi.stubEnv('ANTHROPIC_CUSTOM_HEADERS', 'X-Api-Key: hand-set\nAuthorization: Bearer hand-set');
    const client = createClient({
      baseURL: emulator.url,
      apiKey: 'sk-ant-api-option',
      environmentKey: 'sk-ant-oat01-environment',
      headers: { 'X-API-Key': 'hand-set', Authorization: 'Bearer hand-set' },
    });
    await useEverything(createSessionFeed(client));
    expect(sent('authorization')).toEqual(Array(4).fill('Bearer sk-ant-oat01-environment'));
    expect(sent('x-api-key')).toEqual(Array(4).fill(undefined));
  });
});

describe('row 68: the credential without one', () => {
  test('without an environment key the API key is used as the SDK uses it, with the helper tag', async () => {
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-from-env');
    const client = createClient({ baseURL: emulator.url, apiKey: 'sk-ant-api-option' });
    await useEverything(createSessionFeed(client));
    expect(sent('authorization')).toEqual(Array(4).fill('Bearer sk-ant-api-option'));
    expect(sent('x-stainless-helper')).toEqual(Array(4).fill('holdfast'));
  });

  test('no credential at all is a misconfiguration that names both variables, not a search for others', () => {
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-ant-api-from-env');
    expect(() => createClient({ baseURL: emulator.url, apiKey: '' })).toThrow(
      /ANTHROPIC_API_KEY or ANTHROPIC_ENVIRONMENT_KEY/,
    );
  });
});

describe('row 39: headers', () => {
  test('W-23: extra headers travel on stream, list, send and retrieve, beside the helper tag', async () => {
    vi.stubEnv('ANTHROPIC_CUSTOM_HEADERS', 'x-from-env: proxy-1');
    const headers = { 'x-tenant': 'blue', 'x-stainless-helper': 'mine' };
    const client = createClient({ baseURL: emulator.url, environmentKey: 'sk-ant-oat01-e', headers });
    await useEverything(createSessionFeed(client));
    expect(sent('x-tenant')).toEqual(Array(4).fill('blue'));
    expect(sent('x-from-env')).toEqual(Array(4).fill('proxy-1'));
    for (const helper of sent('x-stainless-helper')) expect(helper).toContain('holdfast');
  });
});

test('a request that fails is made once: Temporal retries, not the SDK', async () => {
  emulator.setFaults({ fail: [{ route: 'retrieve', status: 503, times: 3 }] });
  const session = emulator.createSession({ script: 'manual' });
  const client = createClient({ baseURL: emulator.url, apiKey: 'key' });
  await expect(createSessionFeed(client).retrieve(session.id)).rejects.toThrow('503');
  expect(emulator.requests()).toHaveLength(1);
});

test('at log level debug nothing is printed, so no key and no content is', async () => {
  vi.stubEnv('ANTHROPIC_LOG', 'debug');
  const printed = (['debug', 'info', 'log', 'warn', 'error'] as const).map(level =>
    vi.spyOn(console, level).mockImplementation(() => undefined),
  );
  try {
    const client = createClient({ baseURL: emulator.url, apiKey: 'sk-ant-api-secret' });
    await useEverything(createSessionFeed(client));
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  } finally {
    for (const spy of printed) spy.mockRestore();
  }
});
