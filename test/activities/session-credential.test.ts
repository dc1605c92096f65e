import { expect, it } from 'vitest';
import {
  createCredentialedFeed,
  credentialInterceptor,
  sessionToken,
} from '../../src/activities/session-credential.ts';
import { createItemClients } from '../../src/anthropic/item-clients.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';
import { keyOf } from '../../src/key-ring.ts';
import { createSealing } from '../../src/sealing.ts';
import { json, startScriptedServer } from '../anthropic/scripted-server.ts';

const sealing = createSealing(keyOf(Buffer.alloc(32, 1)));

/** Runs `work` as an activity with this input. */
async function asActivity<T>(input: unknown, work: () => Promise<T>, open = sealing.open): Promise<T> {
  const { inbound } = credentialInterceptor(open)({} as never);
  return (await inbound?.execute?.({ args: [input], headers: {} } as never, work)) as T;
}

it('requests of an activity carry its session’s token, those of others the worker’s key, also side by side', async () => {
  const bearers: (string | undefined)[] = [];
  const server = await startScriptedServer((response, request) => {
    bearers.push(request.headers.authorization);
    setTimeout(() => json(response, 200, { data: [], next_page: null }), 20);
  });
  const clients = createItemClients({ baseURL: server.url, environmentKey: 'worker-key' });
  const feed = createCredentialedFeed(token => createSessionFeed(clients('holdfast', token)));
  const list = async () => {
    for await (const page of feed.listPages('sesn_1')) expect(page).toEqual([]);
    for await (const page of feed.listPages('sesn_1')) expect(page).toEqual([]);
  };
  const of = (session: string) => ({
    sessionId: session,
    credential: sealing.seal(`token of ${session}`, session),
  });
  await Promise.all([
    asActivity(of('a'), list),
    asActivity(of('b'), list),
    asActivity({ sessionId: 'c' }, list),
    list(),
  ]);
  await server.close();
  expect(bearers.sort()).toEqual(
    [
      'worker-key',
      'worker-key',
      'worker-key',
      'worker-key',
      'token of a',
      'token of a',
      'token of b',
      'token of b',
    ]
      .map(token => `Bearer ${token}`)
      .sort(),
  );
  expect(sessionToken()).toBeNull();
});

it('a credential that cannot be opened here is a failure that another worker may not have, and shows nothing', async () => {
  const foreign = createSealing(keyOf(Buffer.alloc(32, 2))).seal('planted', 'sesn_1');
  for (const credential of [foreign, 'planted', sealing.seal('planted', 'sesn_2')]) {
    const failed = await asActivity({ sessionId: 'sesn_1', credential }, async () => 'ran').catch(
      error => error,
    );
    expect(failed).toMatchObject({ type: 'CredentialSealed', nonRetryable: false });
    expect(JSON.stringify([failed.message, failed.stack])).not.toContain('planted');
  }
});
