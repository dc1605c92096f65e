/** Rows 4, 39, 67 and 68 of behaviours.md §2.1: what a worker is set up with, or without. */
import { describe, expect, it } from 'vitest';
import type { RequestEntry } from '../../src/emulator/request-log.ts';
import { answersOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { quietSession } from './support/rows.ts';
import { sharedWorld, type World, world } from './support/world.ts';

/** Neither a tools module nor an environment key. */
const plain = sharedWorld(import.meta.url, {
  env: { HOLDFAST_TOOLS: undefined, ANTHROPIC_API_KEY: 'sk-ant-api-1' },
  apiKeys: ['sk-ant-api-1'],
});

describe.concurrent('a worker', () => {
  it('row 4: without tools of the user leaves an unknown name alone, instead of answering with an error', async () => {
    const w = plain();
    const session = quietSession(w);
    const handle = await w.begin(session.id);
    void session.agent.call('effect', { label: 'row-4', ms: 1 });
    const unowned = async () => (await w.status(session.id).catch(() => undefined))?.unownedCalls;
    await eventually('the call is seen', async () => (await unowned()) === 1);
    // A call behind it is served, so the first was not merely waiting.
    const behind = await session.agent.call('bash', { command: 'echo behind' });
    session.agent.terminate();
    const summary = await handle.result();

    expect(behind.text).toBe('behind');
    expect(answersOf(session)[0]).toMatchObject({ name: 'effect', posts: 0, refused: 0 });
    expect(summary.calls[0]).toMatchObject({ name: 'effect', posted: false, isError: false, attempts: 0 });
  });

  it('rows 39, 67: sends the environment key alone, and extra headers, with every stream, list and send', async context => {
    const w = await world(context, {
      env: {
        ANTHROPIC_ENVIRONMENT_KEY: 'sk-ant-oat01-environment',
        ANTHROPIC_API_KEY: 'sk-ant-api-1',
        ANTHROPIC_CUSTOM_HEADERS: 'X-Proxy-Token: through\nX-Team: tools',
      },
      environmentKeys: ['sk-ant-oat01-environment'],
    });
    await w.worker();
    const requests = await requestsOfASession(w);

    expect(new Set(headers(requests, 'authorization'))).toEqual(new Set(['Bearer sk-ant-oat01-environment']));
    expect(requests.filter(({ headers }) => JSON.stringify(headers).includes('sk-ant-api-1'))).toEqual([]);
    expect(new Set(headers(requests, 'x-api-key'))).toEqual(new Set([undefined]));
    expect(new Set(headers(requests, 'x-proxy-token'))).toEqual(new Set(['through']));
    expect(new Set(headers(requests, 'x-team'))).toEqual(new Set(['tools']));
    expect(new Set(headers(requests, 'x-stainless-helper'))).toEqual(new Set(['holdfast']));
  });

  // Where the Python SDK hands "no key" on to its parent's credentials, the API key is what there is; the SDK of
  // 1.11 sends it as Bearer.
  it('row 68: without an environment key sends the API key, and the helper header', async () => {
    const requests = await requestsOfASession(plain());
    expect(new Set(headers(requests, 'authorization'))).toEqual(new Set(['Bearer sk-ant-api-1']));
    expect(new Set(headers(requests, 'x-stainless-helper'))).toEqual(new Set(['holdfast']));
  });
});

/** All requests of a session that is served from its history to its end. */
async function requestsOfASession(w: World): Promise<RequestEntry[]> {
  const session = w.session([{ call: 'bash', input: { command: 'env' } }]);
  await (await w.begin(session.id)).result();
  expect(answersOf(session)).toMatchObject([{ posts: 1, refused: 0, isError: false }]);
  // No tool sees what the worker authenticates with (I9).
  expect(answersOf(session)[0]?.text).not.toContain('sk-ant');
  const requests = w.emulator.requests().filter(request => request.session_id === session.id);
  expect(new Set(requests.map(({ route }) => route))).toEqual(
    new Set(['retrieve', 'stream', 'list', 'send']),
  );
  return requests;
}

function headers(requests: readonly RequestEntry[], name: string): (string | undefined)[] {
  return requests.map(request => request.headers[name]);
}
