import { expect, test } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import type { Step } from '../../src/emulator/script.ts';
import { emulatorFor, eventually, message, post, request, toolResult } from './support.ts';

test('a function plays the model: it gets results and decides by them', async () => {
  const script = async (agent: Agent) => {
    const first = await agent.call('bash', { command: 'ls' }, { id: 'sevt_a' });
    agent.expect(first, { includes: 'file' });
    await agent.say(first.text.includes('two') ? 'more' : 'one');
    const { text } = await agent.idle();
    await agent.say(`you said ${text}`);
  };
  const emulator = await emulatorFor({ script });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a', 'file one, file two'));
  await session.wait('idle');
  await post(emulator, session.id, message('thanks'));
  await session.wait('script_done');
  expect(session.events('agent.message').map(event => event.content)).toMatchObject([
    [{ text: 'more' }],
    [{ text: 'you said thanks' }],
  ]);
  expect(session.info()).toMatchObject({ status: 'idle', stop_reason: { type: 'end_turn' }, failures: [] });
});

test('a generator yields steps and gets their results', async () => {
  const script = async function* (): AsyncGenerator<Step, void, never> {
    const result: { text: string } = yield { call: 'bash', id: 'sevt_a' };
    yield { say: result.text };
    yield { end: true };
    yield { say: 'never' };
  };
  const emulator = await emulatorFor({ script });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a', 'heard'));
  await session.wait('script_done');
  expect(session.events('agent.message').map(event => event.content)).toMatchObject([[{ text: 'heard' }]]);
});

test.each([
  ['yes', 'then'],
  ['no', 'else'],
])('a branch follows the last result: %s', async (answer, said) => {
  const emulator = await emulatorFor({
    script: [
      { call: 'bash', id: 'sevt_a' },
      { branch: { includes: 'yes' }, steps: [{ say: 'then' }], else: [{ say: 'else' }] },
    ],
  });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a', answer));
  await session.wait('script_done');
  expect(session.events('agent.message').map(event => event.content)).toMatchObject([[{ text: said }]]);
});

test.each<[Step, RegExp]>([
  [{ expect: { includes: 'x' } }, /expected a text with "x", got "done"/],
  [{ expect: { excludes: 'done' } }, /without "done"/],
  [{ expect: { matches: '^x' } }, /matches \/\^x\//],
  [{ expect: { is_error: true } }, /is_error true/],
  [{ expect: { closed_by: 'deny' } }, /closed by deny, was closed by result/],
  [{ expect: { index: 3 } }, /expected a result 3/],
])('an expectation that does not hold ends the session and is recorded: %j', async (step, reason) => {
  const emulator = await emulatorFor({ script: [{ call: 'bash', id: 'sevt_a' }, step, { say: 'never' }] });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a'));
  await session.wait('script_done');
  expect(session.info()).toMatchObject({ status: 'terminated', script: 'failed' });
  expect(session.ledger().failures).toEqual([expect.stringMatching(reason)]);
  expect(session.events('session.error')).toMatchObject([
    { error: { message: expect.stringMatching(reason) } },
  ]);
  expect(session.events('agent.message')).toEqual([]);
});

test('expectations that hold go unnoticed', async () => {
  const emulator = await emulatorFor({
    script: [
      { call: 'bash', id: 'sevt_a' },
      {
        expect: {
          includes: ['do', 'ne'],
          excludes: 'x',
          matches: '^done$',
          is_error: false,
          closed_by: 'result',
        },
      },
    ],
  });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('requires_action');
  await post(emulator, session.id, toolResult('sevt_a'));
  expect((await session.wait('script_done')).failures).toEqual([]);
});

test('a script that throws ends the session with its error', async () => {
  const emulator = await emulatorFor({
    script: async () => {
      throw new Error('bad script');
    },
  });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('script_done');
  expect(session.ledger().failures[0]).toMatch(/the script threw: Error: bad script/);
  expect(session.info().status).toBe('terminated');
});

test('steps repeat, wait, report errors, take raw events, and terminate', async () => {
  const emulator = await emulatorFor({
    script: [
      { repeat: 3, steps: [{ say: 'again' }] },
      { wait: 1 },
      { error: 'hiccup' },
      { emit: { type: 'agent.thinking' } },
      { terminate: true },
    ],
  });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('terminated');
  expect(session.events('agent.message')).toHaveLength(3);
  expect(session.events('session.error', 'agent.thinking', 'session.status_terminated')).toHaveLength(3);
});

test('an idle can have any stop reason', async () => {
  const emulator = await emulatorFor({ script: [{ idle: 'refusal' }, { idle: 'something_new' }] });
  const session = emulator.createSession({ message: 'go' });
  await session.wait('idle');
  expect(session.events('session.status_idle')).toMatchObject([
    { stop_reason: { type: 'refusal' }, stop_details: { type: 'refusal' } },
  ]);
  await post(emulator, session.id, message());
  await eventually(() => session.info().stop_reason?.type === 'something_new');
});

test('a session names its script, or brings it along, or starts at once', async () => {
  const emulator = await emulatorFor({
    script: [{ say: 'default' }],
    scripts: { other: [{ say: 'named' }] },
  });
  const said = async (body: object) => {
    const create = { agent: 'a', environment_id: 'e', initial_events: [message()], ...body };
    const { status, body: session } = await request(emulator, '/v1/sessions', { json: create });
    expect(status, JSON.stringify(session)).toBe(200);
    await emulator.wait(String(session.id), 'script_done');
    return JSON.stringify(emulator.session(String(session.id)).events('agent.message')[0]?.content);
  };
  expect(await said({})).toContain('default');
  expect(await said({ metadata: { script: 'other' } })).toContain('named');
  expect(await said({ _emulator: { script: [{ say: 'brought' }] } })).toContain('brought');
  expect(await said({ initial_events: [], _emulator: { script: 'other', start: true } })).toContain('named');
});

test.each([
  [[{ shout: 'x' }], /steps.0: a step has one of the keys say, call/],
  [[{ say: 'x' }, { call: 5 }], /steps.1.call/],
  [[{ repeat: 2, steps: [{ nope: 1 }] }], /steps.0.steps: 0: a step has one of the keys/],
  [[{ expect: { contains: 'x' } }], /steps.0.expect: Unrecognized key/],
])('a step that cannot be understood is refused with its place (%#)', async (script, reason) => {
  const emulator = await emulatorFor();
  const body = { agent: 'a', environment_id: 'e', _emulator: { script } };
  const answer = await request(emulator, '/v1/sessions', { json: body });
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toMatch(reason);
});

test('without a script every turn ends at once', async () => {
  const emulator = await emulatorFor();
  const session = emulator.createSession();
  for (const turn of [1, 2]) {
    await post(emulator, session.id, message());
    await session.wait('idle');
    expect(session.events('session.status_running')).toHaveLength(turn);
  }
});
