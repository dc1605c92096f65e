/** Work items where the queue or the network misbehaves (behaviours.md §2.2, §2.3): each test has its own queue. */
import { describe, expect, it } from 'vitest';
import { textsOf } from './support/answers.ts';
import {
  ENVIRONMENT_KEY,
  endOf,
  environmentOf,
  faulty,
  itemOf,
  queued,
  requestsOf,
  withEnvironment,
} from './support/environment.ts';
import { world } from './support/world.ts';

const echo = (text: string) => ({ call: 'bash', input: { command: `echo ${text}` } });

describe.concurrent('before an item is ours', () => {
  it('row 135: an ack that fails in passing is repeated for its claim before any new poll', async context => {
    const { w } = await faulty(context, { fail: [{ route: 'work_ack', status: 503, times: 3 }] });
    const session = queued(w, [echo('late')]);
    await endOf(w, session);
    const claim = w.emulator
      .requests()
      .findIndex(({ work_id, route }) => route === 'work_poll' && work_id !== null);
    const routes = w.emulator
      .requests()
      .slice(claim)
      .map(({ route }) => route);
    expect(routes.filter(route => route === 'work_ack')).toHaveLength(4);
    expect(routes.slice(1, routes.lastIndexOf('work_ack'))).not.toContain('work_poll');
    expect(textsOf(session)).toEqual(['late']);
  });

  it('rows 134, 148: W-17: one whose ack is refused is stopped, never served, and the next is', async context => {
    const { w, worker } = await faulty(context, { fail: [{ route: 'work_ack', status: 403, times: 1 }] });
    const session = queued(w, 'manual');
    await endOf(w, session);
    expect(await endOf(w, session)).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('not acknowledged'),
    });
    const routes = requestsOf(w, session).map(({ route }) => route);
    expect(routes).toEqual(['work_poll', 'work_ack', 'work_stop']);
    await worker.says(`work item ${itemOf(w, session).id} is not served`);
    const next = queued(w, [echo('next')]);
    await endOf(w, next);
    expect(textsOf(next)).toEqual(['next']);
  });

  it('row 79: with a secret that cannot be read the environment key serves, and the warning leaks nothing', async context => {
    const { w, worker } = await faulty(context, { secret: 'undecodable' });
    const session = queued(w, [echo('by key')]);
    await endOf(w, session);
    expect(textsOf(session)).toEqual(['by key']);
    const bearers = new Set(requestsOf(w, session).map(({ headers }) => headers.authorization));
    expect([...bearers]).toEqual([`Bearer ${ENVIRONMENT_KEY}`]);
    expect(worker.stderr).toContain(
      `work item ${itemOf(w, session).id} carried a secret without a sessions token`,
    );
    expect(worker.stderr).not.toContain('%%%');
  });

  it('row 130: a revoked environment key ends the worker with one line that says what the API said', async context => {
    const { w, worker } = await faulty(context, {});
    environmentOf(w).setKeys([]);
    const { code, stderr } = await worker.exit;
    expect(code).toBe(1);
    const told = stderr.split('\n').filter(line => line.includes('refuses to be polled'));
    expect(told).toEqual([
      expect.stringMatching(/the work queue of env_1 refuses to be polled: .* answered 401/),
    ]);
    expect(stderr).not.toContain(ENVIRONMENT_KEY);
  });

  it('an answer to a poll that is not JSON is waited out with a clear line', async context => {
    const { w, worker } = await faulty(context, {
      answers: [{ route: 'work_poll', how: 'html', times: 2 }],
    });
    await worker.says('something that is not JSON');
    await endOf(w, queued(w, [echo('after all')]));
  });

  it('row 142: with --drain the worker serves what is queued and ends', async context => {
    const w = await world(context, withEnvironment());
    const sessions = [1, 2, 3].map(n => queued(w, [echo(`drained ${n}`)]));
    const worker = w.run(['worker', '--drain', '--max-idle', '500ms']);
    const { code } = await worker.exit;
    expect(code).toBe(0);
    for (const [n, session] of sessions.entries()) {
      expect(textsOf(session)).toEqual([`drained ${n + 1}`]);
      expect(itemOf(w, session).state).toBe('stopped');
    }
  });
});
