/** `holdfast adopt`: an item that somebody else has claimed, as `ant worker poll --on-work` hands it over. */
import { describe, expect, it, type TestContext } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { RawWorker, tokenOf } from '../emulator/work-support.ts';
import { textsOf } from './support/answers.ts';
import {
  actsOf,
  ENVIRONMENT,
  ENVIRONMENT_KEY,
  endOf,
  environmentOf,
  itemOf,
  queued,
  requestsOf,
  withEnvironment,
} from './support/environment.ts';
import { failure } from './support/failing.ts';
import { type World, world } from './support/world.ts';

const echo = (text: string) => ({ call: 'bash', input: { command: `echo ${text}` } });

interface Claimed {
  readonly w: World;
  readonly session: SessionHandle;
  readonly id: string;
  readonly secret: string;
  readonly raw: RawWorker;
  /** The variables that the poller sets. */
  readonly env: Readonly<Record<string, string>>;
}

/** A worker that polls nothing, and an item that another program has claimed and acknowledged. */
async function claimed(
  context: TestContext,
  text: string,
  env: Record<string, string | undefined> = {},
): Promise<Claimed> {
  const w = await world(
    context,
    withEnvironment({ leaseTtlMs: 600_000, env: { ANTHROPIC_ENVIRONMENT_ID: undefined, ...env } }),
  );
  await w.worker();
  const session = queued(w, [echo(text)]);
  const raw = new RawWorker(w.emulator, environmentOf(w), 'ant');
  const { id, secret } = await raw.claim();
  await raw.ack(id);
  const set = {
    ANTHROPIC_WORK_ID: id,
    ANTHROPIC_ENVIRONMENT_ID: ENVIRONMENT,
    ANTHROPIC_SESSION_ID: session.id,
  };
  return { w, session, id, secret, raw, env: set };
}

const WITHOUT_KEY = { ANTHROPIC_ENVIRONMENT_KEY: undefined, ANTHROPIC_API_KEY: 'organisation-key' };

describe.concurrent('a claimed item', () => {
  it('rows 83, 85, 86, 159: is served without a poll, from the variables alone, on its token alone', async context => {
    const { w, session, secret, env } = await claimed(context, 'adopted', WITHOUT_KEY);
    const { code, stdout } = await w.run(['adopt', '--json', '--max-idle', '500ms'], {
      ...env,
      ANTHROPIC_WORK_SECRET: secret,
    }).exit;
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ session: session.id, state: 'done', reason: 'idle' }),
    ]);
    expect(textsOf(session)).toEqual(['adopted']);
    expect(actsOf(w, session)).toEqual(['queued', 'polled', 'acked', 'beat', 'stop', 'stopped']);
    const ours = requestsOf(w, session).slice(2);
    expect(new Set(ours.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${tokenOf(secret)}`]),
    );
    expect(w.said()).not.toContain(tokenOf(secret));
    expect(JSON.stringify(await w.history(session.id))).not.toContain(tokenOf(secret));
  });

  it('rows 82, 87: an option goes before its variable, and without a secret the worker’s environment key serves', async context => {
    const { w, session, id, env } = await claimed(context, 'by option');
    const wrong = { ...env, ANTHROPIC_WORK_ID: 'work_wrong', ANTHROPIC_SESSION_ID: 'sesn_wrong' };
    const args = ['adopt', '--work-id', id, '--session-id', session.id, '--max-idle', '500ms'];
    const { code } = await w.run(args, wrong).exit;
    expect(code).toBe(0);
    expect(textsOf(session)).toEqual(['by option']);
    expect(itemOf(w, session).state).toBe('stopped');
    const bearers = requestsOf(w, session).map(({ headers }) => headers.authorization);
    expect(new Set(bearers)).toEqual(new Set([`Bearer ${ENVIRONMENT_KEY}`]));
  });

  it('row 153: a lease is continued from the heartbeat that its claimer made last', async context => {
    const { w, session, id, secret, raw, env } = await claimed(context, 'continued');
    const { body } = await raw.beat(id, 'NO_HEARTBEAT');
    const last = String(body.last_heartbeat);
    const given = { ...env, ANTHROPIC_WORK_SECRET: secret, ANTHROPIC_WORK_LAST_HEARTBEAT: last };
    const { code } = await w.run(['adopt', '--max-idle', '500ms'], given).exit;
    expect(code).toBe(0);
    const beats = itemOf(w, session).history.filter(({ act }) => act === 'beat');
    expect(beats.slice(0, 2).map(({ detail, refused }) => [detail, refused])).toEqual([
      ['NO_HEARTBEAT', undefined],
      [last, undefined],
    ]);
    expect(textsOf(session)).toEqual(['continued']);
  });

  it('rows 90, 153: one whose lease another holds is released, and its calls are left', async context => {
    const { w, session, id, secret, raw, env } = await claimed(context, 'another’s');
    await raw.beat(id, 'NO_HEARTBEAT');
    const { code, stdout } = await w.run(['adopt', '--json'], { ...env, ANTHROPIC_WORK_SECRET: secret }).exit;
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({
        state: 'stopped',
        reason: expect.stringContaining('lease of the work item was lost'),
      }),
    ]);
    expect(actsOf(w, session)).not.toContain('stop');
  });

  it('row 88: what is missing is named, one after the other', async context => {
    const w = await world(
      context,
      withEnvironment({ env: { ANTHROPIC_ENVIRONMENT_ID: undefined, ...WITHOUT_KEY } }),
    );
    let env: Record<string, string> = {};
    for (const [variable, value] of [
      ['ANTHROPIC_WORK_ID', 'work_1'],
      ['ANTHROPIC_ENVIRONMENT_ID', ENVIRONMENT],
      ['ANTHROPIC_SESSION_ID', 'sesn_1'],
      ['ANTHROPIC_ENVIRONMENT_KEY', ENVIRONMENT_KEY],
    ] as const) {
      expect(await failure(w, ['adopt'], env)).toEqual({
        code: 2,
        line: expect.stringContaining(`set ${variable}`),
      });
      env = { ...env, [variable]: value };
    }
  });
});

describe.concurrent('a worker’s settings', () => {
  it('row 84: an environment without its key is refused, and so are flags about a queue that is not polled', async context => {
    const w = await world(context, withEnvironment());
    expect(await failure(w, ['worker'], { ANTHROPIC_ENVIRONMENT_KEY: '' })).toEqual({
      code: 2,
      line: expect.stringContaining('set ANTHROPIC_ENVIRONMENT_KEY'),
    });
    for (const flags of [['--drain'], ['--reclaim', '5s'], ['--max-idle', '1s']]) {
      const told = await failure(w, ['worker', ...flags], { ANTHROPIC_ENVIRONMENT_ID: '' });
      expect(told).toEqual({
        code: 2,
        line: expect.stringMatching(/^holdfast: --.* set ANTHROPIC_ENVIRONMENT_ID/),
      });
    }
    const { line } = await failure(w, ['worker'], { ANTHROPIC_ENVIRONMENT_ID: '../env_2' });
    expect(line).toContain('ANTHROPIC_ENVIRONMENT_ID is not the id of an environment');
    const key = await failure(w, ['worker'], { HOLDFAST_KEY: 'planted-not-a-key' });
    expect(key).toEqual({ code: 2, line: expect.stringContaining('HOLDFAST_KEY is not a key') });
    expect(key.line).not.toContain('planted');
  });

  it('row 89: paths without a fence cannot be asked for', async context => {
    const w = await world(context, withEnvironment());
    for (const flag of ['--unrestricted-paths', '--no-unrestricted-paths'])
      expect((await w.run(['worker', flag]).exit).code).toBe(2);
  });

  it('row 101: flags about the queue reach the polls and the runs', async context => {
    const w = await world(context, withEnvironment());
    await w.worker('--max-idle', '1200ms', '--reclaim', '7s');
    const session = queued(w, [echo('flags')]);
    await endOf(w, session);
    const [poll] = w.emulator.requests().filter(({ route }) => route === 'work_poll');
    expect(poll?.path).toBe(
      `/v1/environments/${ENVIRONMENT}/work/poll?block_ms=999&reclaim_older_than_ms=7000`,
    );
    expect((await w.history(session.id)).timers).toContainEqual({
      ms: 1_200,
      summary: expect.stringContaining('next turn'),
    });
  });

  it('row 102: without flags a session may be idle for 60 s, and polls wait 999 ms and reclaim nothing', async context => {
    const w = await world(context, withEnvironment());
    await w.worker();
    const session = queued(w, [echo('standard')]);
    await session.wait('script_done');
    await w.listening(session.id);
    const { code } = await w.run(['stop', session.id]).exit;
    expect(code).toBe(0);
    const [poll] = w.emulator.requests().filter(({ route }) => route === 'work_poll');
    expect(poll?.path).toBe(`/v1/environments/${ENVIRONMENT}/work/poll?block_ms=999`);
    expect((await w.history(session.id)).timers).toContainEqual({
      ms: 60_000,
      summary: 'waiting 60 s for the next turn',
    });
  });
});
