import { expect, test } from 'vitest';
import type { SessionEvent } from '../../src/emulator/event-log.ts';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import { clientOf, customResult, emulatorFor, eventually, post, toolResult } from './support.ts';

/** What stood in the `requires_action` idles, in order. */
function blockedOn(session: SessionHandle): unknown[] {
  const idles = session.events('session.status_idle') as (SessionEvent & {
    stop_reason: { event_ids: unknown };
  })[];
  return idles.map(event => event.stop_reason.event_ids);
}

function manual(emulator: Emulator): SessionHandle {
  return emulator.createSession({ script: 'manual' });
}

function confirmation(id: string, result: 'allow' | 'deny', extra: object = {}): object {
  return { type: 'user.tool_confirmation', tool_use_id: id, result, ...extra };
}

test('parallel calls of mixed kinds block together, each answer re-emits the remainder, the last runs on', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const results = session.agent.calls([
    { name: 'bash', id: 'sevt_a' },
    { name: 'lookup', id: 'sevt_b' },
    { name: 'read', id: 'sevt_c', permission: 'ask' },
  ]);
  await session.wait('requires_action');
  await post(emulator, session.id, customResult('sevt_b'));
  await post(emulator, session.id, toolResult('sevt_a'));
  expect(blockedOn(session)).toEqual([['sevt_a', 'sevt_b', 'sevt_c'], ['sevt_a', 'sevt_c'], ['sevt_c']]);
  expect(session.info().status).toBe('idle');
  expect(session.events('session.status_running'), 'a part of the answers runs nothing on').toHaveLength(1);
  await post(emulator, session.id, confirmation('sevt_c', 'allow'), toolResult('sevt_c', 'read it'));
  expect((await results).map(result => result.text)).toEqual(['done', 'done', 'read it']);
  expect(session.info().status).toBe('running');
  expect(session.events().at(-1)?.type).toMatch(/running|confirmation/);
});

test('session.usage stands immediately before every session.status_idle', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  void session.agent.calls([
    { name: 'bash', id: 'sevt_a' },
    { name: 'bash', id: 'sevt_b' },
  ]);
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a'));
  await post(emulator, session.id, toolResult('sevt_b'));
  void session.agent.idle();
  await session.wait('idle');
  const types = session.events().map(event => event.type);
  const idles = types.flatMap((type, i) => (type === 'session.status_idle' ? [types[i - 1]] : []));
  expect(idles).toEqual(['session.usage', 'session.usage', 'session.usage']);
});

test('a result may be posted before the session is idle', async () => {
  const emulator = await emulatorFor({ requiresActionDelayMs: 60_000 });
  const session = manual(emulator);
  const result = session.agent.call('bash', {}, { id: 'sevt_a' });
  await eventually(() => session.info().open_calls.length === 1);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(200);
  expect((await result).closed_by).toBe('result');
  expect(session.events('session.status_idle')).toEqual([]);
});

test('an asked call takes no result before it is allowed, and needs one after', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const result = session.agent.ask('bash', { command: 'ls' }, { id: 'sevt_a' });
  await session.wait('requires_action');
  expect(session.events('agent.tool_use')).toMatchObject([
    { evaluated_permission: 'ask', evaluation: { type: 'always_ask' } },
  ]);
  const early = await post(emulator, session.id, toolResult('sevt_a'));
  expect(early.status).toBe(400);
  expect(early.body.error?.message).toMatch(/waiting on a user.tool_confirmation/);
  const allowed = await post(emulator, session.id, confirmation('sevt_a', 'allow'));
  expect(allowed.body.data).toMatchObject([{ result: 'allow', processed_at: null }]);
  await eventually(() => blockedOn(session).length === 2);
  expect(session.info().open_calls).toEqual(['sevt_a']);
  expect((await post(emulator, session.id, toolResult('sevt_a', 'ran'))).status).toBe(200);
  expect(await result).toMatchObject({ text: 'ran', closed_by: 'result' });
  expect(session.ledger().calls).toMatchObject([
    { confirmations: [{ event: { result: 'allow' } }], accepted: [{}], refused: [{ status: 400 }] },
  ]);
});

test('a denied call is answered by the server with the message, and takes no result any more', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const result = session.agent.ask('bash', {}, { id: 'sevt_a' });
  await session.wait('requires_action');
  await post(emulator, session.id, confirmation('sevt_a', 'deny', { deny_message: 'too risky' }));
  expect(await result).toMatchObject({
    is_error: true,
    closed_by: 'deny',
    text: expect.stringMatching('too risky'),
  });
  expect(session.events('agent.tool_result')).toMatchObject([{ tool_use_id: 'sevt_a', is_error: true }]);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(400);
  expect(session.info().status).toBe('running');
});

test('a confirmation is a 400 where none is waited for, and the second one too', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  void session.agent.calls([
    { name: 'bash', id: 'sevt_a' },
    { name: 'lookup', id: 'sevt_b' },
    { name: 'bash', id: 'sevt_c', permission: 'ask' },
  ]);
  await session.wait('requires_action');
  const statusOf = async (id: string) => (await post(emulator, session.id, confirmation(id, 'allow'))).status;
  expect(await statusOf('sevt_a')).toBe(400);
  expect(await statusOf('sevt_b')).toBe(400);
  expect(await statusOf('sevt_x')).toBe(400);
  expect(await statusOf('sevt_c')).toBe(200);
  expect(await statusOf('sevt_c')).toBe(400);
});

test.each([null, 'audit'])(
  'a permission that is %s goes on the wire as it is and can be confirmed',
  async permission => {
    const emulator = await emulatorFor();
    const session = manual(emulator);
    const result = session.agent.call('bash', {}, { id: 'sevt_a', permission });
    await session.wait('requires_action');
    expect(session.events('agent.tool_use')[0]?.evaluated_permission).toBe(permission);
    await post(emulator, session.id, confirmation('sevt_a', 'allow'), toolResult('sevt_a'));
    expect((await result).closed_by).toBe('result');
  },
);

test('a permission can be left out, and is never on a custom call', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  void session.agent.calls([{ name: 'bash', permission: 'omitted' }, { name: 'lookup' }, { name: 'bash' }]);
  await session.wait('requires_action');
  const calls = session.events('agent.tool_use', 'agent.custom_tool_use');
  expect(calls.map(call => call.evaluated_permission)).toEqual([undefined, undefined, 'allow']);
});

test('what policy denies, and what an MCP server runs, is resolved without the client', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const results = await session.agent.calls([
    { name: 'bash', id: 'sevt_a', permission: 'deny' },
    { name: 'search', id: 'sevt_m', kind: 'mcp' },
  ]);
  expect(results).toMatchObject([
    { is_error: true, closed_by: 'server' },
    { is_error: false, closed_by: 'server' },
  ]);
  expect(session.events('agent.tool_result')).toMatchObject([{ tool_use_id: 'sevt_a' }]);
  expect(session.events('agent.mcp_tool_result')).toMatchObject([{ mcp_tool_use_id: 'sevt_m' }]);
  expect((await post(emulator, session.id, toolResult('sevt_m'))).body.error?.message).toMatch(
    /does not match/,
  );
});

test('an asked MCP call runs on the server once it is allowed', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const result = session.agent.ask('search', {}, { id: 'sevt_m', kind: 'mcp' });
  await session.wait('requires_action');
  await clientOf(emulator).beta.sessions.events.send(session.id, {
    events: [{ type: 'user.tool_confirmation', tool_use_id: 'sevt_m', result: 'allow' }],
  });
  expect(await result).toMatchObject({ closed_by: 'server', is_error: false });
});

test('the result of a child thread says where it was routed to', async () => {
  const emulator = await emulatorFor();
  const session = manual(emulator);
  const results = session.agent.calls([
    { name: 'bash', id: 'sevt_a', thread: 'one' },
    { name: 'bash', id: 'sevt_b', thread: 'two' },
    { name: 'bash', id: 'sevt_c' },
  ]);
  await session.wait('requires_action');
  const [one, two] = session.events('session.thread_created').map(event => event.session_thread_id);
  expect(session.events('agent.tool_use').map(event => event.session_thread_id)).toEqual([
    one,
    two,
    undefined,
  ]);
  const { body } = await post(
    emulator,
    session.id,
    toolResult('sevt_a'),
    toolResult('sevt_b'),
    toolResult('sevt_c'),
  );
  expect(body.data?.map(event => event.session_thread_id)).toEqual([one, two, undefined]);
  expect(await results).toHaveLength(3);
});
