/** The poll loop against a queue of HTTP; what the workflows do with an item is tested end to end. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClaimLimits, Taken } from '../src/intake/claims.ts';
import { type Intake, IntakeError, startIntake } from '../src/intake.ts';
import type { WorkItem } from '../src/workflows/messages.ts';
import {
  answer,
  type QueueServer,
  queueServer,
  type Reply,
  silence,
  workItem,
} from './anthropic/queue-server.ts';
import { refusal } from './anthropic/scripted-server.ts';
import { until } from './support/until.ts';

const EMPTY = answer(200, null);
const item = (id: string, session: string, more = {}) => answer(200, workItem(id, session, more));
const secret = Buffer.from(JSON.stringify({ sessions_token: 'sk-ant-req-planted' })).toString('base64url');

interface Options {
  readonly adopt?: (sessionId: string, work: WorkItem) => Promise<Taken>;
  readonly drain?: boolean;
  readonly limits?: Partial<ClaimLimits>;
}

interface Begun {
  readonly intake: Intake;
  readonly server: QueueServer;
  readonly said: string[];
  readonly given: [string, WorkItem][];
}

async function begin(
  replies: Readonly<Record<string, readonly Reply[]>>,
  options: Options = {},
): Promise<Begun> {
  const server = await queueServer(replies);
  const said: string[] = [];
  const given: [string, WorkItem][] = [];
  const { adopt, drain = false, limits = {} } = options;
  const intake = startIntake({
    environmentId: 'env_1',
    queue: server.queue,
    drain,
    limits,
    pauseMs: [5, 10],
    adopt: async (sessionId, work) => {
      given.push([sessionId, work]);
      return adopt?.(sessionId, work) ?? { kind: 'adopted', ended: async () => undefined };
    },
    seal: (token, sessionId) => `sealed(${token.length}, ${sessionId})`,
    log: { info: line => said.push(line), warn: line => said.push(`WARN ${line}`) },
  });
  onTestFinished(async () => {
    intake.stop();
    await intake.done.catch(() => undefined);
  });
  return { intake, server, said, given };
}

const done = { ack: [answer(200, {})], stop: [answer(200, {})] };

describe('an item', () => {
  it('row 144: of a session is given to its workflow with its sealed token, and is neither acknowledged nor stopped here', async () => {
    const { given, server, said } = await begin({ poll: [item('work_1', 'sesn_1', { secret }), EMPTY] });
    await until('it happens', () => server.of('poll').length > 2);
    expect(given).toEqual([
      [
        'sesn_1',
        {
          environmentId: 'env_1',
          workId: 'work_1',
          claim: expect.any(String),
          sealedToken: 'sealed(18, sesn_1)',
        },
      ],
    ]);
    expect(server.asked.every(({ route }) => route === 'poll')).toBe(true);
    expect(JSON.stringify([given, said])).not.toContain('planted');
  });

  it('row 79: with a secret that cannot be read is served with the environment key, and the warning shows nothing of it', async () => {
    for (const broken of [
      '%%% planted %%%',
      Buffer.from('{"sessions_token":"","x":"planted"}').toString('base64'),
    ]) {
      const { given, said } = await begin({ poll: [item('work_1', 'sesn_1', { secret: broken }), EMPTY] });
      await until('it happens', () => given.length === 1);
      expect(given[0]?.[1]).not.toHaveProperty('sealedToken');
      const warnings = said.filter(line => line.startsWith('WARN'));
      expect(warnings).toEqual([expect.stringMatching(/work_1 carried a secret without a sessions token/)]);
      expect(said.join()).not.toContain(broken);
    }
  });

  it('rows 74, 149: that is a healthcheck is acknowledged and stopped before the next poll, without a session', async () => {
    const healthcheck = { data: { type: 'healthcheck', id: 'hc_1' }, secret };
    const { given, server } = await begin({ poll: [item('work_1', '', healthcheck), EMPTY], ...done });
    await until('it happens', () => server.of('poll').length > 2);
    expect(server.asked.slice(0, 4).map(({ route }) => route)).toEqual(['poll', 'ack', 'stop', 'poll']);
    expect(server.of('stop')[0]?.headers.authorization).toBe('Bearer sk-ant-req-planted');
    expect(given).toEqual([]);
  });

  it('row 135: whose ack fails for a while is acknowledged before any new poll', async () => {
    const busy = answer(503, refusal('busy'), { 'retry-after': '0' });
    const healthcheck = { data: { type: 'healthcheck', id: 'hc_1' } };
    const { server } = await begin({
      poll: [item('work_1', '', healthcheck), EMPTY],
      ack: [busy, busy, answer(200, {})],
      stop: [answer(200, {})],
    });
    await until('it happens', () => server.of('poll').length > 1);
    expect(server.asked.slice(0, 6).map(({ route }) => route)).toEqual([
      'poll',
      'ack',
      'ack',
      'ack',
      'stop',
      'poll',
    ]);
  });

  it.each(['../../sesn_1', 'sesn 1', 'sesn_1\n', '', 'x'.repeat(300), '..'])(
    'of a session with the id %j is ended with a line that says so, and the next one is served',
    async id => {
      const { given, server, said } = await begin({
        poll: [item('work_1', id), item('work_2', 'sesn_2'), EMPTY],
        ...done,
      });
      await until('it happens', () => given.length === 1);
      expect(given[0]?.[0]).toBe('sesn_2');
      expect(server.asked.slice(0, 3).map(({ route }) => route)).toEqual(['poll', 'ack', 'stop']);
      expect(said.join()).toContain('is no session id');
    },
  );
});

describe('what holds one item up', () => {
  it('row 75: is retried for that claim, and told once', async () => {
    let tries = 0;
    const { given, said, server } = await begin(
      { poll: [item('work_1', 'sesn_1'), EMPTY] },
      {
        adopt: async () =>
          ++tries < 3
            ? { kind: 'again', reason: 'Temporal is away', expected: false }
            : { kind: 'adopted', ended: async () => undefined },
      },
    );
    await until('it happens', () => given.length === 3 && server.of('poll').length > 1);
    expect(new Set(given.map(([, { claim }]) => claim)).size).toBe(1);
    expect(said.filter(line => line.includes('Temporal is away'))).toHaveLength(1);
  });

  it('holds up no other for long, and is left to be offered again in the end', async () => {
    const { given, said } = await begin(
      { poll: [item('work_1', 'sesn_stuck'), item('work_2', 'sesn_2'), EMPTY] },
      {
        limits: { holdUpMs: 50, giveUpMs: 400 },
        adopt: async id =>
          id === 'sesn_stuck'
            ? { kind: 'again', reason: 'stuck', expected: true }
            : { kind: 'adopted', ended: async () => undefined },
      },
    );
    await until('it happens', () => given.some(([id]) => id === 'sesn_2'));
    expect(said.join()).not.toContain('left');
    await until('it happens', () =>
      said.some(line => line.includes('work_1 is left to be offered again: stuck')),
    );
  });

  it('row 148: one that is not ours to serve is told of and skipped', async () => {
    const { given, said } = await begin(
      { poll: [item('work_1', 'sesn_1'), item('work_2', 'sesn_2'), EMPTY] },
      { adopt: async () => ({ kind: 'dropped', reason: 'answered 404' }) },
    );
    await until('it happens', () => given.length === 2);
    expect(said).toContain('WARN work item work_1 is not served: answered 404');
  });
});

describe('the poll loop', () => {
  it.each([503, 409, 429])('row 129: a %i is waited out, and the next item is served', async status => {
    const { given, server } = await begin({
      poll: [answer(status, refusal('later')), item('work_1', 'sesn_1'), EMPTY],
    });
    const began = performance.now();
    await until('it happens', () => given.length === 1);
    expect(performance.now() - began).toBeGreaterThan(700);
    expect(server.of('poll').length).toBeGreaterThanOrEqual(2);
  });

  it('an answer that is not JSON is waited out with a clear line', async () => {
    const html: Reply = response => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>');
    const { given, said } = await begin({ poll: [html, item('work_1', 'sesn_1'), EMPTY] });
    await until('it happens', () => given.length === 1);
    expect(said[0]).toMatch(/^WARN could not poll env_1, again in [\d.]+ s: .* something that is not JSON$/);
  });

  it.each([401, 403, 404])(
    'row 130: a %i ends it with one line that says what the API said',
    async status => {
      const { intake, server, said } = await begin({ poll: [answer(status, refusal('key revoked'))] });
      await expect(intake.done).rejects.toThrow(IntakeError);
      await expect(intake.done).rejects.toThrow(
        new RegExp(`the work queue of env_1 refuses to be polled: .* answered ${status}: .*key revoked`),
      );
      expect(server.asked).toHaveLength(1);
      expect(said).toEqual([]);
    },
  );

  it('row 143: an empty queue is polled again', async () => {
    const { server, said } = await begin({ poll: [EMPTY] });
    await until('it happens', () => server.of('poll').length > 5);
    expect(said).toEqual(['no work in env_1; polling']);
  });

  it('rows 137, 150: ends at once when it is stopped during a poll, and may be stopped twice', async () => {
    const { intake, server } = await begin({ poll: [silence] });
    await until('it happens', () => server.asked.length === 1);
    intake.stop();
    intake.stop();
    await intake.done;
    expect(server.asked).toHaveLength(1);
  });

  it('row 142: with --drain it ends when the queue is empty and the runs of its items are over', async () => {
    let end = () => {};
    const over = new Promise<void>(resolve => {
      end = resolve;
    });
    const { intake, server } = await begin(
      { poll: [item('work_1', 'sesn_1'), EMPTY] },
      { drain: true, adopt: async () => ({ kind: 'adopted', ended: () => over }) },
    );
    let ended = false;
    const all = intake.done.then(() => {
      ended = true;
    });
    await until('it happens', () => server.of('poll').length > 4);
    expect(ended).toBe(false);
    end();
    await all;
  });

  it('row 142: with --drain an empty queue ends it after one poll', async () => {
    const { intake, server } = await begin({ poll: [EMPTY] }, { drain: true });
    await intake.done;
    expect(server.asked).toHaveLength(1);
  });
});
