import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustBeWell, Player, serially, times } from '../../bench/player.ts';
import tools from '../../bench/tools.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';

let emulator: Emulator;
const over = new AbortController();
const running: Promise<unknown>[] = [];

beforeAll(async () => {
  emulator = await startEmulator();
});

afterAll(async () => {
  over.abort();
  await emulator.close();
  await Promise.allSettled(running);
});

/** Served by the SDK's runner, in this process. */
async function served(): Promise<Player> {
  const player = new Player(emulator);
  const client = new Anthropic({ apiKey: 'k', baseURL: emulator.url, logLevel: 'off' });
  const runner = client.beta.sessions.events.toolRunner(player.id, {
    tools: tools.tools,
    signal: over.signal,
  });
  running.push(
    (async () => {
      for await (const _ of runner);
    })(),
  );
  await player.session.wait('streaming');
  player.session.sendMessage('go');
  return player;
}

test('one round of calls follows the other in the same turn, each call timed', async () => {
  const player = await served();
  const first = await player.play(20_000, agent => serially(agent, times(3, { name: 'noop' })));
  const second = await player.play(20_000, agent => serially(agent, [{ name: 'pause', input: { ms: 80 } }]));
  expect(first).toHaveLength(3);
  expect(second[0]).toBeGreaterThanOrEqual(79);
  expect(player.session.info().status).toBe('running');
  player.end();
  await player.session.wait('idle');
});

test('a call that was not answered well fails its round, and the next one goes on', async () => {
  const player = await served();
  const failing = player.play(20_000, async agent => {
    mustBeWell({ ...(await agent.call('noop')), is_error: true });
  });
  await expect(failing).rejects.toThrow('noop was not answered as it should be (closed by result)');
  await expect(player.play(20_000, agent => serially(agent, [{ name: 'noop' }]))).resolves.toHaveLength(1);
});

test('a round that takes too long is given up with what it waits for', async () => {
  const player = await served();
  const late = player.play(100, agent => serially(agent, [{ name: 'nobody_has_this' }]));
  await expect(late).rejects.toThrow('not done within 100 ms (calls without a result: 1)');
});
