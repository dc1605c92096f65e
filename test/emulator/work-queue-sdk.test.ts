/**
 * The control: the SDK's own EnvironmentWorker serves an environment of the emulator. What it does there is what
 * the work queue is measured by; where it fails, a number of behaviours.md §4 (W-…) says why.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { sdkWorker, temporaryFolder } from './sdk-support.ts';
import { eventually, post } from './support.ts';
import { acts, FROZEN, queueFor, RawWorker } from './work-support.ts';

const LOOKUP = { call: 'lookup', input: { key: 'a' } };

test('it claims, beats, serves and stops an item, in the order and with the credentials of the API', async () => {
  const { emulator, environment } = await queueFor();
  const session = emulator.createSession({
    environmentId: environment.id,
    script: [LOOKUP, { expect: { includes: 'value of a' } }],
    message: 'go',
  });
  const worker = sdkWorker(emulator, environment, { workerId: 'sdk-1' });
  const [item] = await environment.until(work => work[0]?.state === 'stopped');
  await worker.end();
  expect(session.info()).toMatchObject({ status: 'idle', script: 'done', failures: [], open_calls: [] });
  expect(session.ledger().calls).toMatchObject([{ accepted: [{}], refused: [], closed_by: 'result' }]);
  expect(acts(environment, item?.id ?? '')).toEqual(['queued', 'polled', 'acked', 'beat', 'stop', 'stopped']);

  const seen = emulator.requests().slice(0, 8);
  expect(seen.map(({ route }) => route)).toEqual([
    'work_poll',
    'work_ack',
    'work_heartbeat',
    'retrieve',
    'stream',
    'list',
    'send',
    'work_stop',
  ]);
  expect(seen[0]).toMatchObject({
    path: `/v1/environments/${environment.id}/work/poll?block_ms=999`,
    headers: {
      authorization: `Bearer ${environment.key}`,
      'anthropic-worker-id': 'sdk-1',
      'x-stainless-helper': 'environments-work-poller',
    },
  });
  expect(seen[2]?.path).toMatch(/\/heartbeat\?expected_last_heartbeat=NO_HEARTBEAT$/);
  const bearers = seen.map(({ headers }) => headers.authorization);
  expect(bearers.slice(0, 2), 'the environment key').toEqual(Array(2).fill(`Bearer ${environment.key}`));
  expect(bearers[2]).toMatch(/^Bearer sk-ant-req-/);
  expect(bearers.slice(2), 'the sessions token').toEqual(Array(6).fill(bearers[2]));
  const beat = item?.history.find(({ act }) => act === 'beat');
  expect(beat?.by).toEqual({ credential: 'session', worker_id: 'sdk-1', helper: 'environments-worker' });
  expect(emulator.requests().filter(({ headers }) => headers['x-api-key'] !== undefined)).toEqual([]);
});

test('a session that is messaged again after its idle end is queued and served again', async () => {
  const { emulator, environment } = await queueFor();
  const script = async (agent: Agent) => {
    await agent.call('lookup', { key: 'a' });
    await agent.idle();
    await agent.call('lookup', { key: 'b' });
  };
  const session = emulator.createSession({ environmentId: environment.id, script, message: 'go' });
  const worker = sdkWorker(emulator, environment);
  await environment.until(work => work[0]?.state === 'stopped');
  await post(emulator, session.id, { type: 'user.message', content: [{ type: 'text', text: 'more' }] });
  await session.wait('script_done');
  await environment.until(work => work.length === 2 && work[1]?.state === 'stopped');
  await worker.end();
  expect(worker.runs).toEqual(['a', 'b']);
  expect(session.info().failures).toEqual([]);
});

test('it releases an item that another worker holds, without stopping it', async () => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 }, FROZEN);
  const session = emulator.createSession({ environmentId: environment.id, script: 'manual', message: 'go' });
  const worker = sdkWorker(emulator, environment);
  const [item] = await environment.until(work => work[0]?.state === 'active');
  await session.wait('streaming');
  environment.expire(item?.id ?? '');
  const other = new RawWorker(emulator, environment, 'other');
  await other.hold();
  await eventually(() => worker.log().includes('lease lost; released without stopping it'));
  await worker.end();
  expect(worker.log()).toContain('lease lost: heartbeat precondition failed');
  expect(worker.log()).toMatch(/"server_state":"(active|queued|starting)"/);
  const history = acts(environment, item?.id ?? '');
  expect(history).toContain('beat:412');
  expect(history).not.toContain('stop');
});

test.each(['graceful', 'force'])('a control-plane stop (%s) ends the run, and the item', async how => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 });
  const session = emulator.createSession({ environmentId: environment.id, script: 'manual', message: 'go' });
  const worker = sdkWorker(emulator, environment);
  const [item] = await environment.until(work => work[0]?.state === 'active');
  await session.wait('streaming');
  environment.stop(item?.id ?? '', how === 'force');
  await eventually(() => acts(environment, item?.id ?? '').filter(act => act.startsWith('stop')).length >= 3);
  await worker.end();
  expect(worker.log()).toContain('heartbeat signals shutdown');
  expect(acts(environment, item?.id ?? '').filter(act => act.startsWith('stop'))).toEqual(
    how === 'force' ? ['stop', 'stopped', 'stop:409'] : ['stop', 'stop', 'stopped'],
  );
  expect(worker.log(), 'a 409 is swallowed').not.toContain('force-stop on exit failed');
});

test('a stop while a tool runs: its result is dropped, and the call stays open (W-4, W-18)', async () => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 }, FROZEN);
  const script = [{ call: 'lookup', input: { key: 'slow' } }];
  const session = emulator.createSession({ environmentId: environment.id, script, message: 'go' });
  const worker = sdkWorker(emulator, environment);
  await eventually(() => worker.runs.length === 1);
  environment.stop(environment.work()[0]?.id ?? '');
  await environment.until(work => work[0]?.state === 'stopped');
  await worker.end();
  expect(session.ledger().calls).toMatchObject([{ accepted: [], refused: [], closed_by: null }]);
  expect(session.info()).toMatchObject({ status: 'idle', stop_reason: { type: 'requires_action' } });
  expect(environment.workOf(session.id), 'nobody is asked to finish it').toHaveLength(1);
});

test('a web page in place of a poll’s answer ends the worker; the item is claimed again later', async () => {
  const { emulator, environment } = await queueFor({}, FROZEN);
  environment.setFaults({ answers: [{ route: 'work_poll', how: 'html' }] });
  const session = emulator.createSession({ environmentId: environment.id, script: [LOOKUP], message: 'go' });
  const first = sdkWorker(emulator, environment);
  await eventually(() => first.log().includes('ended by TypeError'));
  emulator.advanceClock(5000);
  const second = sdkWorker(emulator, environment);
  await session.wait('script_done');
  await second.end();
  expect(second.runs).toEqual(['a']);
});

test('a healthcheck and the item of a terminated session are stopped without a tool run', async () => {
  const { emulator, environment } = await queueFor();
  const dead = emulator.createSession({ environmentId: environment.id, history: [openCall('sevt_dead')] });
  dead.archive();
  const check = environment.enqueue();
  const worker = sdkWorker(emulator, environment);
  const work = await environment.until(all => all.every(({ state }) => state === 'stopped'));
  await worker.end();
  expect(work.map(({ id }) => id)).toContain(check.id);
  expect(worker.runs).toEqual([]);
  expect(emulator.requests().filter(({ route }) => route === 'stream')).toEqual([]);
  expect(emulator.requests().filter(({ route }) => route === 'retrieve')).toHaveLength(1);
});

test.each(['undecodable', 'tokenless', 'absent'] as const)(
  'with a secret that is %s it falls back to the environment key, and logs no credential',
  async secret => {
    const { emulator, environment } = await queueFor();
    environment.setFaults({ secret });
    const session = emulator.createSession({
      environmentId: environment.id,
      script: [LOOKUP],
      message: 'go',
    });
    const worker = sdkWorker(emulator, environment);
    await environment.until(work => work[0]?.state === 'stopped');
    await worker.end();
    expect(session.info()).toMatchObject({ script: 'done', failures: [] });
    const bearers = emulator.requests().map(({ headers }) => headers.authorization);
    expect(new Set(bearers)).toEqual(new Set([`Bearer ${environment.key}`]));
    expect(worker.log()).not.toContain(environment.key);
    expect(worker.log()).not.toContain('%%%');
    expect(worker.log().includes('no sessions token could be extracted')).toBe(secret !== 'absent');
  },
);

test('a token in a secret with padding or with more keys is found', async () => {
  for (const secret of ['padded', 'extra_keys'] as const) {
    const { emulator, environment } = await queueFor();
    environment.setFaults({ secret });
    emulator.createSession({ environmentId: environment.id, script: [LOOKUP], message: 'go' });
    const worker = sdkWorker(emulator, environment);
    const [item] = await environment.until(work => work[0]?.state === 'stopped');
    await worker.end();
    expect(item?.history.find(({ act }) => act === 'beat')?.by.credential).toBe('session');
  }
});

test('a hung heartbeat is cut off each interval, and the item is released once its lease must have lapsed', async () => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 }, FROZEN);
  const session = emulator.createSession({ environmentId: environment.id, script: 'manual', message: 'go' });
  const worker = sdkWorker(emulator, environment);
  await environment.until(work => work[0]?.state === 'active');
  await session.wait('streaming');
  environment.setFaults({ answers: [{ route: 'work_heartbeat', how: 'never', times: 99 }] });
  await eventually(() => worker.log().includes('lease assumed lost'));
  await eventually(() => worker.log().includes('released without stopping it'));
  await worker.end();
  expect(environment.work()[0]?.history.map(({ act }) => act)).not.toContain('stop');
});

test('a heartbeat that conflicts is retried', async () => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 }, FROZEN);
  environment.setFaults({ fail: [{ route: 'work_heartbeat', status: 409, times: 2 }] });
  const session = emulator.createSession({ environmentId: environment.id, script: [LOOKUP], message: 'go' });
  const worker = sdkWorker(emulator, environment);
  const [item] = await environment.until(work => work[0]?.state === 'stopped');
  await worker.end();
  expect(session.info()).toMatchObject({ script: 'done', failures: [] });
  expect(item?.history.filter(({ act }) => act === 'stop')).toHaveLength(1);
});

test('a token that is revoked in mid-session ends the run; its open call stays open (W-18)', async () => {
  const { emulator, environment } = await queueFor({ leaseTtlMs: 2000 });
  const session = emulator.createSession({ environmentId: environment.id, script: 'manual', message: 'go' });
  const worker = sdkWorker(emulator, environment);
  const [item] = await environment.until(work => work[0]?.state === 'active');
  await session.wait('streaming');
  environment.revokeTokens(item?.id ?? '');
  await eventually(() => worker.log().includes('permanent heartbeat failure'));
  await eventually(() => worker.log().includes('force-stop on exit failed'));
  await worker.end();
  expect(environment.item(item?.id ?? '').state, 'nobody could stop it').not.toBe('stopped');
});

test('a failing memory mount leaves the session waiting until it is interrupted (W-18)', async () => {
  const { emulator, environment } = await queueFor();
  const mount_path = join(await temporaryFolder(), 'memory');
  const session = emulator.createSession({
    environmentId: environment.id,
    script: 'manual',
    resources: [{ type: 'memory_store', memory_store_id: 'memstore_gone', mount_path }],
  });
  void session.agent.call('lookup', { key: 'a' }, { id: 'sevt_a' });
  await session.wait('requires_action');
  const worker = sdkWorker(emulator, environment);
  await environment.until(work => work[0]?.state === 'stopped');
  await eventually(() => worker.log().includes('work item failed'));
  expect(session.info()).toMatchObject({ status: 'idle', open_calls: ['sevt_a'] });
  expect(environment.workOf(session.id)).toHaveLength(1);
  await post(emulator, session.id, { type: 'user.interrupt' });
  await environment.until(work => work.length === 2);
  await worker.end();
});

test('skills are extracted, memories are mounted, and what the agent wrote is synced before the stop', async () => {
  const { emulator, environment } = await queueFor();
  const folder = await temporaryFolder();
  const files = { 'SKILL.md': '# pdf', 'run.sh': '#!/bin/sh\necho from the skill' };
  const zip = emulator.addSkill({ name: 'pdf', files, executable: ['run.sh'] });
  const tar = emulator.addSkill({ name: 'notes', files: { 'SKILL.md': '# notes' }, format: 'tar' });
  const evil = emulator.addSkill({ name: 'evil', files: { '../../escaped': 'x' } });
  const mountPath = join(folder, 'memory');
  const store = emulator.createMemoryStore({
    name: 'team',
    mountPath,
    memories: { '/a.md': 'first', '/deep/b.md': 'second' },
  });
  const library = emulator.createMemoryStore({
    name: 'library',
    mountPath: join(folder, 'library'),
    memories: { '/c.md': 'read me' },
  });
  const script = async (agent: Agent) => {
    const listed = await agent.call('bash', {
      command: 'skills/pdf/run.sh; cat skills/notes/SKILL.md; ls skills',
    });
    agent.expect(listed, { includes: ['from the skill', '# notes'], excludes: 'escaped' });
    const read = await agent.call('read', { file_path: join(mountPath, 'deep/b.md') });
    agent.expect(read, { includes: 'second' });
    await agent.call('write', { file_path: join(mountPath, 'new.md'), content: 'third' });
    await agent.call('write', { file_path: join(mountPath, 'a.md'), content: 'changed' });
    const refused = await agent.call('write', { file_path: join(folder, 'library/c.md'), content: 'x' });
    agent.expect(refused, { is_error: true });
    await agent.call('bash', { command: `rm ${join(mountPath, 'deep/b.md')}` });
  };
  const session = emulator.createSession({
    environmentId: environment.id,
    agent: { name: 'with-skills', skills: [{ ...zip, version: 'latest' }, tar, evil] },
    resources: [
      { type: 'memory_store', memory_store_id: store.id },
      { type: 'memory_store', memory_store_id: library.id, access: 'read_only' },
    ],
    script,
    message: 'go',
  });
  const worker = sdkWorker(emulator, environment, { workdir: folder, tools: 'toolset' });
  await environment.until(work => work[0]?.state === 'stopped');
  await worker.end();
  expect(session.info()).toMatchObject({ script: 'done', failures: [] });
  expect(Object.fromEntries(store.all().map(({ path, content }) => [path, content]))).toEqual({
    '/a.md': 'changed',
    '/new.md': 'third',
  });
  expect(library.all().map(({ content }) => content)).toEqual(['read me']);
  expect(worker.log()).toContain('refusing to extract unsafe archive member');
  expect(existsSync(join(folder, '../escaped'))).toBe(false);
  expect([existsSync(mountPath), existsSync(join(folder, 'skills/pdf'))], 'cleaned up').toEqual([
    false,
    false,
  ]);
  const routes = emulator.requests().map(({ route }) => route);
  expect(routes.lastIndexOf('memory_create')).toBeLessThan(routes.lastIndexOf('work_stop'));
  const memory = emulator.requests().find(({ route }) => route === 'memory_list');
  expect(memory).toMatchObject({
    path: `/v1/memory_stores/${store.id}/memories?view=full&limit=20`,
    headers: {
      'anthropic-beta': 'agent-memory-2026-07-22',
      authorization: expect.stringMatching(/sk-ant-req-/),
    },
  });
});

test('two workers share a queue, and each item is served once', async () => {
  const { emulator, environment } = await queueFor();
  const sessions = Array.from({ length: 8 }, () =>
    emulator.createSession({ environmentId: environment.id, script: [LOOKUP, LOOKUP], message: 'go' }),
  );
  const workers = ['one', 'two'].map(workerId => sdkWorker(emulator, environment, { workerId }));
  const work = await environment.until(all => all.every(({ state }) => state === 'stopped'));
  await Promise.all(workers.map(worker => worker.end()));
  expect(work).toHaveLength(8);
  for (const { history } of work) {
    expect(history.filter(({ act }) => act === 'polled')).toHaveLength(1);
    expect(history.filter(({ refused }) => refused !== undefined)).toEqual([]);
  }
  expect(new Set(work.map(({ history }) => history[1]?.by.worker_id))).toEqual(new Set(['one', 'two']));
  for (const session of sessions) {
    expect(session.ledger().calls.map(({ accepted, refused }) => [accepted.length, refused.length])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  }
});

test('a held approval blocks the worker: the next session waits (W-14)', async () => {
  const { emulator, environment } = await queueFor();
  const held = emulator.createSession({
    environmentId: environment.id,
    script: [{ ask: 'lookup', kind: 'builtin', input: { key: 'held' } }],
    message: 'go',
  });
  const next = emulator.createSession({ environmentId: environment.id, script: [LOOKUP], message: 'go' });
  const worker = sdkWorker(emulator, environment);
  const { open_calls } = await held.wait('requires_action');
  await held.wait('streaming');
  await new Promise(resolve => setTimeout(resolve, 500));
  expect(environment.workOf(next.id)[0]?.history.map(({ act }) => act)).toEqual(['queued']);
  await post(emulator, held.id, {
    type: 'user.tool_confirmation',
    tool_use_id: open_calls[0],
    result: 'allow',
  });
  await next.wait('script_done');
  await worker.end();
  expect(worker.runs).toEqual(['held', 'a']);
});

function openCall(id: string) {
  return { type: 'agent.custom_tool_use', id, name: 'lookup', input: { key: 'dead' } };
}
