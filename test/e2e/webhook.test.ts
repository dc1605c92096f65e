/** `holdfast webhook`, as the API's deliveries meet it (issue 5, part 9). */
import { describe, expect, it } from 'vitest';
import { deliver, eventBody, SIGNING_KEY } from '../support/delivery.ts';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { closedPort, failure } from './support/failing.ts';
import { runIdsOf } from './support/history.ts';
import { sharedWorld, type World } from './support/world.ts';

const w = sharedWorld(import.meta.url);

const KEY = { ANTHROPIC_WEBHOOK_SIGNING_KEY: SIGNING_KEY };
const OURS = { ...KEY, ANTHROPIC_ENVIRONMENT_ID: 'env_emulator' };

async function webhook(world: World, env: Readonly<Record<string, string>>, ...flags: readonly string[]) {
  const process = await world.run(['webhook', '--port', '0', ...flags], env).says('webhook ready at');
  const url = /ready at (\S+),/.exec(process.stderr)?.[1] ?? '';
  const runStarted = (id: string) => deliver(url, eventBody('session.status_run_started', id));
  return { process, url, runStarted };
}

describe.concurrent('a delivery that a session runs', () => {
  it('starts its workflow once, however often it is delivered, and again for its next turn', async () => {
    const { process, runStarted } = await webhook(w(), OURS, '--max-idle', '1s');
    const session = w().session([
      { call: 'effect', input: { label: 'hook 1', ms: 1 } },
      { idle: 'end_turn' },
      { call: 'effect', input: { label: 'hook 2', ms: 1 } },
    ]);
    const answers = await Promise.all([1, 2, 3].map(() => runStarted(session.id)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const over = async () => (await w().client.workflow.getHandle(session.id).describe()).status.name;
    await eventually('the first run ends', async () => (await over()) === 'COMPLETED');
    expect(await runIdsOf(w().client, session.id)).toHaveLength(1);

    session.sendMessage('go on');
    expect((await runStarted(session.id)).status).toBe(200);
    await eventually('the second call is answered', () => session.ledger().calls[1]?.accepted.length === 1);
    await eventually('the second run ends', async () => (await over()) === 'COMPLETED');
    expect(textsOf(session)).toEqual(['did hook 1', 'did hook 2']);
    expect(w().effects('begin hook')).toEqual(['begin hook 1', 'begin hook 2']);

    expect(process.stderr.match(/: started$/gm)).toHaveLength(4);
    expect(process.stderr).not.toContain(SIGNING_KEY);
    expect(await process.end('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('of an environment that others serve starts nothing', async () => {
    const { process, runStarted } = await webhook(w(), OURS);
    const cloud = w().emulator.createSession({ script: 'manual', environmentId: 'env_cloud' });
    expect(await runStarted(cloud.id)).toMatchObject({
      status: 200,
      result: expect.stringContaining('not of our environment'),
    });
    expect(await runStarted('sesn_unknown')).toMatchObject({ status: 200 });
    const described = w().client.workflow.getHandle(cloud.id).describe();
    await expect(described).rejects.toThrow(/not found/i);
    expect(await process.end('SIGINT')).toMatchObject({ code: 0 });
  });

  it('is to be sent again while Temporal is away, and the signature is checked all the same', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    const { process, url, runStarted } = await webhook(w(), { ...KEY, TEMPORAL_ADDRESS: address });
    expect((await runStarted('sesn_1')).status).toBe(503);
    const forged = await deliver(url, eventBody('session.status_run_started', 'sesn_1'), { age: 600 });
    expect(forged.status).toBe(401);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await process.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});

describe.concurrent('a webhook that cannot be served', () => {
  it.each([
    ['no signing key', {}, 'ANTHROPIC_WEBHOOK_SIGNING_KEY'],
    ['a signing key that is none', { ANTHROPIC_WEBHOOK_SIGNING_KEY: 'whsec_no key!' }, 'not a signing key'],
    [
      'an environment, but no key to ask with',
      { ...OURS, ANTHROPIC_API_KEY: '' },
      'ANTHROPIC_ENVIRONMENT_ID needs a key',
    ],
  ])('%s: exit 2 and one line', async (_, env, words) => {
    const { code, line } = await failure(w(), ['webhook', '--port', '0'], env);
    expect([code, line]).toEqual([2, expect.stringContaining(words)]);
    expect(line).not.toContain('no key!');
  });
});
