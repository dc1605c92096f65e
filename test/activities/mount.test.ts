import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { createHosts } from '../../src/activities/hosts.ts';
import { mount } from '../../src/activities/mount.ts';
import { createClient } from '../../src/anthropic/client.ts';
import { createSessionFeed } from '../../src/anthropic/session-feed.ts';

test('row 109: where memory is turned off, an item without a sessions token asks nobody and says nothing', async () => {
  // Nobody listens there: a request would fail.
  const baseURL = 'http://127.0.0.1:9';
  const feed = createSessionFeed(createClient({ environmentKey: 'sk-ant-oat01-test', baseURL }));
  const mounts = { baseURL, headers: {}, memorySyncMs: null, memoryDeletions: 'enabled' } as const;
  const workspace = { host: 'host', incarnation: 'none' };
  const { signal } = new AbortController();
  expect(await mount({ hosts: createHosts(tmpdir()), feed, mounts }, 'sesn_1', workspace, signal)).toEqual(
    [],
  );
  const on = { ...mounts, memorySyncMs: 15_000 };
  await expect(
    mount({ hosts: createHosts(tmpdir()), feed, mounts: on }, 'sesn_1', workspace, signal),
  ).rejects.toThrow();
});
