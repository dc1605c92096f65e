import { expect, test } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import type { Emulator } from '../../src/emulator/server.ts';
import { emulatorFor, eventually, FrameReader, message, post, request, toolResult } from './support.ts';

const INTERRUPT = { type: 'user.interrupt' };

async function inThreads(
  emulator: Emulator,
): Promise<{ session: SessionHandle; thread: string; done: Promise<unknown> }> {
  const session = emulator.createSession({ script: 'manual' });
  const done = session.agent.calls([
    { name: 'bash', id: 'sevt_a' },
    { name: 'bash', id: 'sevt_b', thread: 'child' },
  ]);
  await session.wait('requires_action');
  return { session, done, thread: String(session.events('session.thread_created')[0]?.session_thread_id) };
}

test('an interrupt closes open calls by an error result and ends the turn', async () => {
  const emulator = await emulatorFor();
  const { session, done } = await inThreads(emulator);
  const stream = await FrameReader.open(emulator, session.id);
  const sent = await post(emulator, session.id, INTERRUPT);
  expect(sent.body.data).toMatchObject([{ type: 'user.interrupt', processed_at: null }]);
  expect(await done).toMatchObject([{ closed_by: 'interrupt' }, { closed_by: 'interrupt' }]);
  await stream.has('session.status_idle');
  expect(stream.types()).toEqual([
    'user.interrupt',
    'user.interrupt',
    'agent.tool_result',
    'agent.tool_result',
    'session.usage',
    'session.status_idle',
  ]);
  expect(stream.frames.at(-1)?.data.stop_reason).toEqual({ type: 'end_turn' });
  expect(session.events('agent.tool_result')).toMatchObject([
    { tool_use_id: 'sevt_a', is_error: true, content: [{ text: expect.stringMatching(/interrupted/) }] },
    { tool_use_id: 'sevt_b', is_error: true },
  ]);
  const late = await post(emulator, session.id, toolResult('sevt_a'));
  expect(late.status).toBe(400);
  expect(session.ledger().calls).toMatchObject([{ closed_by: 'interrupt', accepted: [], refused: [{}] }, {}]);
});

test('an interrupt with a thread closes only what is that thread’s', async () => {
  const emulator = await emulatorFor();
  const { session, thread } = await inThreads(emulator);
  await post(emulator, session.id, { ...INTERRUPT, session_thread_id: thread });
  await eventually(() => session.info().open_calls.length === 1);
  expect(session.info()).toMatchObject({
    open_calls: ['sevt_a'],
    stop_reason: { type: 'requires_action', event_ids: ['sevt_a'] },
  });
  const unknown = await post(emulator, session.id, { ...INTERRUPT, session_thread_id: 'sthr_x' });
  expect(unknown.status).toBe(400);
  await post(emulator, session.id, toolResult('sevt_a'));
  expect(session.info().status).toBe('running');
});

test('an interrupt of an idle session is stamped and does nothing else', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ message: 'go' });
  await session.wait('idle');
  const before = session.events().length;
  await post(emulator, session.id, INTERRUPT);
  await eventually(() => session.events('user.interrupt')[0]?.processed_at);
  expect(session.events()).toHaveLength(before + 1);
});

test('a message in the same request as an interrupt is taken, and begins the next turn', async () => {
  const emulator = await emulatorFor({
    script: [{ call: 'bash', id: 'sevt_a' }, { idle: 'end_turn' }, { say: 'second turn' }],
  });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  expect((await post(emulator, session.id, INTERRUPT, message('instead'))).status).toBe(200);
  await session.wait('script_done');
  expect(session.events('agent.message')).toHaveLength(1);
  const types = session.events().map(event => event.type);
  expect(types.lastIndexOf('user.message')).toBeGreaterThan(types.indexOf('agent.tool_result'));
});

test('a script that was interrupted goes on with the next message', async () => {
  const emulator = await emulatorFor({ script: [{ call: 'bash', id: 'sevt_a' }, { say: 'after' }] });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, INTERRUPT);
  await session.wait('idle');
  expect(session.info().script).toBe('running');
  await post(emulator, session.id, message());
  await session.wait('script_done');
  expect(session.events('agent.message')).toHaveLength(1);
});

test('an interrupt can be applied late: until then it is queued, and results are taken', async () => {
  const emulator = await emulatorFor();
  const { session } = await inThreads(emulator);
  session.setFaults({ interrupt_delay_ms: 60_000 });
  await post(emulator, session.id, INTERRUPT);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(200);
  expect(session.events('user.interrupt')).toMatchObject([{ processed_at: null }]);
  expect(session.info().open_calls).toEqual(['sevt_b']);
  session.setFaults({ interrupt_delay_ms: 20 });
  await post(emulator, session.id, INTERRUPT);
  await session.wait('idle');
  expect(session.events('agent.tool_result')).toMatchObject([{ tool_use_id: 'sevt_b' }]);
});

test('an interrupt can be accepted and never applied', async () => {
  const emulator = await emulatorFor();
  const { session } = await inThreads(emulator);
  session.setFaults({ interrupt_delay_ms: 'never' });
  expect((await post(emulator, session.id, INTERRUPT)).status).toBe(200);
  await post(emulator, session.id, toolResult('sevt_a'));
  expect(session.events('user.interrupt')).toMatchObject([{ processed_at: null }]);
  expect(session.info().open_calls).toEqual(['sevt_b']);
});

test('a thread that ends takes no results, and the other threads go on', async () => {
  const emulator = await emulatorFor();
  const { session, thread, done } = await inThreads(emulator);
  await session.agent.endThread('child');
  expect(session.events('session.thread_status_terminated')).toMatchObject([{ session_thread_id: thread }]);
  const refused = await post(emulator, session.id, toolResult('sevt_b'));
  expect(refused.body.error?.message).toMatch(`thread ${thread} of event sevt_b is terminated`);
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(200);
  expect(await done).toMatchObject([{ closed_by: 'result' }, { closed_by: 'terminated' }]);
});

test('at the budget only results may be sent, and a raised budget runs on', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession({ script: 'manual', budget: { max_list_cost: '1' } });
  const done = session.agent.call('bash', {}, { id: 'sevt_a' });
  await session.wait('requires_action');
  session.agent.reachBudget();
  expect(session.info().stop_reason?.type).toBe('requires_action');
  expect((await post(emulator, session.id, toolResult('sevt_a'))).status).toBe(200);
  await done;
  expect(session.info().stop_reason).toEqual({ type: 'budget_reached' });
  const types = session.events().map(event => event.type);
  expect(types.slice(-2)).toEqual(['session.usage', 'session.status_idle']);
  const blocked = await post(emulator, session.id, message());
  expect(blocked.status).toBe(400);
  expect(blocked.body.error?.message).toMatch(/budget; only user.tool_confirmation/);
  expect((await post(emulator, session.id, INTERRUPT)).status).toBe(200);
  expect(session.events('user.interrupt'), 'accepted, ignored, not listed').toEqual([]);
  await request(emulator, `/v1/sessions/${session.id}`, { json: { budget: { max_list_cost: '2' } } });
  expect(session.info().status).toBe('running');
  await session.agent.say('on we go');
});
