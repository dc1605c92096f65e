/** Sessions, keys and addresses that are wrong: one clear line, the contract's exit code, nothing left behind (§9). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { closedPort, failure } from './support/failing.ts';
import { toolProcesses } from './support/leftovers.ts';
import { createWorld, type World, world } from './support/world.ts';

// No worker runs in this world: commands alone are asked.
let w: World;
beforeAll(async () => {
  w = await createWorld(import.meta.url, { apiKeys: ['test-key'] });
});
afterAll(() => w.end());

async function workflows(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of w.client.workflow.list()) ids.push(workflowId);
  return ids;
}

describe.concurrent('a session that cannot be served', () => {
  it('unknown: exit 2, named, and no workflow is left', async () => {
    const { code, line } = await failure(w, ['start', 'sesn_unknown', '--wait', '--json']);
    expect([code, line]).toEqual([2, expect.stringContaining('there is no session sesn_unknown')]);
    expect(await workflows()).not.toContain('sesn_unknown');
  });

  it.each(['not an id', '../other', 'a/b?c', ''])('malformed %j: exit 2 and named', async id => {
    const { code, line } = await failure(w, ['start', id, '--wait', '--json']);
    expect([code, line]).toEqual([2, expect.stringContaining(`${JSON.stringify(id)} is not a session id`)]);
    expect(await workflows()).not.toContain(id);
  });

  it('archived: exit 2, named, and no workflow is left', async () => {
    const session = w.emulator.createSession({ script: 'manual' });
    session.archive();
    const { code, line } = await failure(w, ['start', session.id, '--wait', '--json']);
    expect([code, line]).toEqual([2, expect.stringContaining(`session ${session.id} is archived`)]);
    expect(await workflows()).not.toContain(session.id);
  });

  it.each(['stop', 'show'])('%s of a session without a run: exit 2 and named', async command => {
    const { code, line } = await failure(w, [command, 'sesn_never']);
    expect([code, line]).toEqual([2, expect.stringContaining('sesn_never')]);
  });
});

describe.concurrent('a wrong key', () => {
  it('is named by start with its status: exit 1, one request, no workflow', async () => {
    const session = w.emulator.createSession({ script: 'manual' });
    const { code, line } = await failure(w, ['start', session.id, '--wait', '--json'], {
      ANTHROPIC_API_KEY: 'wrong-key',
    });
    expect([code, line]).toEqual([1, expect.stringMatching(/401/)]);
    expect(line).not.toContain('wrong-key');
    expect(w.emulator.requests().filter(({ session_id }) => session_id === session.id)).toHaveLength(1);
    expect(await workflows()).not.toContain(session.id);
  });

  it('of the worker ends the run with the reason: exit 1, not retried for ever', async context => {
    const own = await world(context, { apiKeys: ['right-key'] });
    await own.worker();
    const session = own.session('manual');
    const { code, line, stderr } = await own.start(session.id, '--max-idle', '1s');
    // The command and the worker have the same wrong key here: nothing was started.
    expect([code, line]).toEqual([1, undefined]);
    expect(stderr).toMatch(/401/);

    const served = own.run(['start', session.id, '--wait', '--json'], { ANTHROPIC_API_KEY: 'right-key' });
    const exit = await served.exit;
    expect(exit.code).toBe(1);
    expect(JSON.parse(exit.stdout)).toMatchObject({
      session: session.id,
      state: 'failed',
      reason: expect.stringContaining('401'),
      calls: [],
    });
    const refused = own.emulator.requests().filter(({ status }) => status === 401);
    expect(refused.length).toBeLessThanOrEqual(3);
  });

  it('that is revoked while a tool runs ends the run; with a right key the next run posts what it came to', async context => {
    const own = await world(context, { apiKeys: ['test-key'] });
    await own.worker();
    const session = own.session([{ call: 'meet', input: { label: 'a', others: ['revoked'] } }]);
    const waiting = own.start(session.id, '--max-idle', '500ms');
    await own.effect('begin a');
    own.emulator.setKeys({ apiKeys: ['another'] });
    session.cutStreams();
    const { code, line } = await waiting;
    expect(code).toBe(1);
    expect(line).toMatchObject({ state: 'failed', reason: expect.stringContaining('401') });
    expect(line?.calls).toMatchObject([{ state: 'running', posted: false }]);
    expect(own.emulator.requests().filter(({ status }) => status === 401).length).toBeLessThanOrEqual(3);

    own.note('begin revoked');
    own.emulator.setKeys({ apiKeys: ['test-key'] });
    const again = await own.start(session.id, '--max-idle', '500ms');
    expect(again.line).toMatchObject({
      state: 'done',
      calls: [{ posted: true, isError: false, attempts: 1 }],
    });
    expect(textsOf(session)).toEqual(['a met all']);
    expect(own.effects('begin a')).toHaveLength(1);
  });

  it('that is revoked while nothing runs leaves no tool host behind', async context => {
    const own = await world(context, { apiKeys: ['test-key'] });
    await own.worker();
    const session = own.session([{ call: 'effect', input: { label: 'a', ms: 1 } }]);
    const waiting = own.start(session.id, '--max-idle', '0');
    await eventually('the call is posted', () => session.ledger().calls[0]?.accepted.length === 1);
    own.emulator.setKeys({ apiKeys: ['another'] });
    session.cutStreams();
    const { code, line } = await waiting;
    expect([code, line?.state]).toEqual([1, 'failed']);
    expect(line?.calls).toMatchObject([{ state: 'settled', posted: true }]);
    expect(toolProcesses(own.stateDir)).toEqual([]);
  });
});

describe.concurrent('nobody answers', () => {
  it('at the API: one line with its address, exit 1, no workflow', async () => {
    const address = `http://127.0.0.1:${await closedPort()}`;
    const { code, line } = await failure(w, ['start', 'sesn_1', '--wait'], { ANTHROPIC_BASE_URL: address });
    expect([code, line]).toEqual([1, expect.stringContaining(address)]);
    expect(await workflows()).not.toContain('sesn_1');
  });

  it.each([['start', 'ID'], ['stop', 'ID'], ['show', 'ID'], ['list'], ['worker']])(
    'at Temporal, for %s: one line with its address, exit 1',
    async (...args) => {
      const address = `127.0.0.1:${await closedPort()}`;
      const { id } = w.emulator.createSession({ script: 'manual' });
      const { code, line } = await failure(
        w,
        args.map(arg => (arg === 'ID' ? id : arg)),
        { TEMPORAL_ADDRESS: address },
      );
      expect([code, line]).toEqual([1, expect.stringContaining(address)]);
    },
  );

  it('of that namespace at Temporal: named, exit 1', async () => {
    const { code, line } = await failure(w, ['list'], { TEMPORAL_NAMESPACE: 'no-such-namespace' });
    expect([code, line]).toEqual([1, expect.stringContaining('no-such-namespace')]);
  });
});
