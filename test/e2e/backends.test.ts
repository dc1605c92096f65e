/** What a backend does with the library, and the examples, each as its reader runs it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attach, type HeldCall, type SessionCall, start } from '../../src/client.ts';
import { deliver, eventBody, SIGNING_KEY } from '../support/delivery.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { EXAMPLES, example, listening, serverSent } from './support/examples.ts';
import { runIdsOf } from './support/history.ts';
import { createWorld, type World } from './support/world.ts';

// One set of tools, whoever serves: the examples' own.
const tools = `${EXAMPLES}tools.ts`;

const IT_IS_SUNNY = {
  kind: 'kept',
  isError: false,
  content: [{ type: 'text', text: 'It is sunny in city 0.' }],
};

let w: World;
beforeAll(async () => {
  w = await createWorld(import.meta.url, {
    tools,
    script: [{ calls: [{ call: 'get_weather', input: { city: 'Bern' } }] }, { terminate: true }],
  });
});
afterAll(() => w?.end());

describe('the SDK’s example, made durable', () => {
  it('serves the same session with the same output, and says what is wrong with an unknown one', async () => {
    const script = [
      { call: 'bash', input: { command: 'echo hello' } },
      { call: 'get_weather', input: { city: 'Bern' } },
      { call: 'bash', input: { command: 'exit 3' } },
      { terminate: true },
    ] as const;
    const unknown = example(w, 'tool-runner-durable', ['sesn_unknown']).exit;
    const outputs = await Promise.all(
      ['tool-runner-sdk', 'tool-runner-durable'].map(async name => {
        const session = w.session(script);
        const { code, stdout, stderr } = await example(w, name, [session.id]).exit;
        expect(code, stderr).toBe(0);
        expect(textsOf(session)[1]).toBe('It is sunny in Bern.');
        return stdout;
      }),
    );
    const { code, stderr } = await unknown;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/HoldfastError: the run of sesn_unknown failed: .*404/),
    ]);
    expect(outputs).toEqual(Array(2).fill('bash -> ok\nget_weather -> ok\nbash -> error\n'));
  });

  it('killed in the middle of a call and started again, runs it once and tells it once', async () => {
    const command = 'echo begin >> "$EFFECTS"; sleep 3; echo end >> "$EFFECTS"; echo held fast';
    const session = w.session([{ call: 'bash', input: { command } }, { terminate: true }]);
    const killed = example(w, 'tool-runner-durable', [session.id]);
    await w.effect('begin');
    await killed.end('SIGKILL');
    const { code, stdout, stderr } = await example(w, 'tool-runner-durable', [session.id]).exit;

    expect([code, stdout], stderr).toEqual([0, 'bash -> ok\n']);
    expect(w.effects()).toEqual(['begin', 'end']);
    expect(textsOf(session)).toEqual(['held fast']);
  });
});

describe.concurrent('with a worker somewhere', () => {
  beforeAll(() => w.worker());
  const options = () => ({ client: w.client, maxIdleMs: 500 });

  it('calls are told once each, through continue-as-new, to whoever follows and to whoever comes late', async () => {
    const session = w.session(async agent => {
      for (let i = 0; i < 15; i++) await agent.call('get_weather', { city: `city ${i}` });
      await agent.ask('bash', { command: 'echo allow' });
      await agent.ask('bash', { command: 'echo deny' });
      await agent.call('of_another_client', {});
    });
    const handle = await start(session.id, { ...options(), maxHistory: 80 });
    const told: SessionCall[] = [];
    const deciding = decide();
    for await (const call of handle.calls()) {
      told.push(call);
      if (call.state === 'unowned')
        session.send({ type: 'user.custom_tool_result', custom_tool_use_id: call.toolUseId, content: [] });
    }
    await deciding;

    async function decide() {
      for (const result of ['allow', 'deny'] as const) {
        let held: readonly HeldCall[] = [];
        await eventually(`a call waits for its ${result}`, async () => {
          held = await handle.approvals.list().catch(() => []);
          return held.some(({ summary }) => summary.includes(result));
        });
        expect(await handle.approvals[result](held[0]?.call ?? '', { by: 'alice' })).toEqual({
          kind: 'accepted',
        });
      }
    }

    const ids = session.ledger().calls.map(({ id }) => id);
    expect(told.map(call => call.toolUseId)).toEqual(ids);
    expect(
      told.slice(14).map(({ name, posted, confirmation, state }) => [name, posted, confirmation, state]),
    ).toEqual([
      ['get_weather', true, undefined, 'settled'],
      ['bash', true, 'allow', 'settled'],
      ['bash', false, 'deny', 'settled'],
      ['of_another_client', false, undefined, 'unowned'],
    ]);
    expect(told[16]?.why).toContain('alice denied it');
    const runs = await runIdsOf(w.client, session.id);
    expect(runs.length).toBeGreaterThan(1);

    const late = await attach(session.id, { client: w.client });
    const again: SessionCall[] = [];
    for await (const call of late?.calls() ?? []) again.push(call);
    // Of the unowned one it is known by now that its owner answered it.
    expect(again.map(call => call.toolUseId)).toEqual(ids);
    expect(again.slice(0, 17)).toEqual(told.slice(0, 17));
    // The first run made the first call, and later ones the denied one and the other client's.
    const contents = await Promise.all([0, 16, 17].map(at => handle.content(ids[at] ?? '')));
    expect(contents).toEqual([
      { input: { kind: 'kept', value: { city: 'city 0' } }, result: IT_IS_SUNNY },
      { input: { kind: 'kept', value: { command: 'echo deny' } }, result: { kind: 'none' } },
      { input: { kind: 'kept', value: {} }, result: { kind: 'none' } },
    ]);
    expect(await late?.content(ids[0] ?? '')).toEqual(contents[0]);
    expect(await late?.untilDone()).toMatchObject({ state: 'done', reason: 'idle' });
    // Following a session leaves nothing in its history: the updates are the two verdicts.
    const histories = await Promise.all(runs.map(runId => w.history(session.id, runId)));
    const accepted = histories.flatMap(({ events }) =>
      events.filter(event => event.workflowExecutionUpdateAcceptedEventAttributes),
    );
    expect(accepted).toHaveLength(2);
  });

  it('a session is seen and stopped', async () => {
    const session = w.session([{ call: 'bash', input: { command: 'sleep 60' } }]);
    const handle = await start(session.id, options());
    const calls = handle.calls()[Symbol.asyncIterator]().next();
    await expect
      .poll(async () => (await handle.status()).waitingFor, { timeout: 30_000 })
      .toContain('running: bash: sleep 60');
    const stopped = await handle.stop({ graceMs: 0, reason: 'enough' });
    expect(stopped).toMatchObject({ kind: 'stopped', summary: { state: 'stopped' } });
    expect((await calls).value).toMatchObject({ name: 'bash', isError: true, posted: true });
    expect(await handle.stop()).toEqual({ kind: 'not-served' });
  });

  it('a browser sees the calls of the session that it began, and goes on where it was cut', async () => {
    const backend = await listening(w, 'backend', { AGENT_ID: 'agent_1', ENVIRONMENT_ID: 'env_emulator' });
    const post = (body: string) => fetch(`${backend.url}/sessions`, { method: 'POST', body });
    expect((await fetch(backend.url)).status).toBe(200);
    expect((await post('{}')).status).toBe(400);
    expect((await fetch(`${backend.url}/sessions/sesn_none/calls`)).status).toBe(404);

    const begun = await post(JSON.stringify({ message: 'What is the weather?' }));
    const { id } = (await begun.json()) as { id: string };
    expect(begun.status).toBe(201);
    const calls = `${backend.url}/sessions/${id}/calls`;
    const [first] = await serverSent(calls, { enough: ({ event }) => event === 'call' });
    expect(first?.data).toMatchObject({ name: 'get_weather', posted: true, isError: false });
    const rest = await serverSent(calls, { after: first?.id ?? '' });
    expect(rest).toEqual([{ event: 'end', id: undefined, data: { state: 'done', reason: 'terminated' } }]);
    expect((await serverSent(calls)).map(({ event }) => event)).toEqual(['call', 'end']);
    expect(answersOf(w.emulator.session(id))).toMatchObject([{ text: 'It is sunny in Bern.', posts: 1 }]);
    await backend.end();
  });

  it('a webhook in one’s own server starts the sessions of its environment', async () => {
    const env = { ANTHROPIC_WEBHOOK_SIGNING_KEY: SIGNING_KEY, ENVIRONMENT_ID: 'env_emulator' };
    const server = await listening(w, 'webhook', env);
    const url = `${server.url}/webhook`;
    const session = w.session([{ call: 'get_weather', input: { city: 'Basel' } }, { terminate: true }]);
    const others = w.emulator.createSession({ script: 'manual', environmentId: 'env_cloud' });
    const running = (id: string) => deliver(url, eventBody('session.status_run_started', id));
    expect(await running(others.id)).toMatchObject({
      status: 200,
      result: expect.stringContaining('ignored'),
    });
    expect(
      (await deliver(url, eventBody('session.status_run_started', session.id), { age: 600 })).status,
    ).toBe(401);
    expect(await running(session.id)).toMatchObject({
      status: 200,
      result: expect.stringContaining('started'),
    });
    expect(await (await attach(session.id, { client: w.client }))?.untilDone()).toMatchObject({
      state: 'done',
    });
    expect(textsOf(session)).toEqual(['It is sunny in Basel.']);
    expect(await attach(others.id, { client: w.client })).toBeUndefined();
    await server.end();
  });
});
