/**
 * The control: the SDK's own SessionToolRunner serves a scripted session against the emulator. What it does
 * there is what the emulator is measured by; its known weakness (a call runs again after a refused post, W-5 of
 * behaviours.md) proves that the ledger sees doubles.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import type { DispatchedToolCall } from '@anthropic-ai/sdk/lib/tools/SessionToolRunner';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { expect, onTestFinished, test } from 'vitest';
import type { Agent } from '../../src/emulator/agent.ts';
import { clientOf, emulatorFor, eventually, message, post } from './support.ts';

/** A tool that counts how often it was run, by its input. */
function counted(runs: string[]) {
  return betaTool({
    name: 'lookup',
    description: 'looks something up',
    inputSchema: { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] },
    run: ({ key }) => {
      runs.push(key);
      return `value of ${key}`;
    },
  });
}

async function workspace(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(
  client: Anthropic,
  sessionId: string,
  tools: Parameters<typeof client.beta.sessions.events.toolRunner>[1]['tools'],
  maxIdleMs = 50,
): Promise<DispatchedToolCall[]> {
  const calls: DispatchedToolCall[] = [];
  const runner = client.beta.sessions.events.toolRunner(sessionId, { tools, maxIdleMs });
  for await (const call of runner) calls.push(call);
  return calls;
}

test('the SDK’s runner serves a scripted session from end to end, each call once', {
  timeout: 20_000,
}, async () => {
  const workdir = await workspace();
  const script = async (agent: Agent) => {
    const write = await agent.call('write', { file_path: 'notes.txt', content: 'hello\n' });
    agent.expect(write, { is_error: false });
    const [bash, lookup] = await agent.calls([
      { name: 'bash', input: { command: 'cat notes.txt && echo once >> effects' } },
      { name: 'lookup', input: { key: 'a' } },
    ]);
    agent.expect(bash ?? [], { includes: 'hello', is_error: false });
    agent.expect(lookup ?? [], { matches: '^value of a$' });
    await agent.say('all done');
  };
  const emulator = await emulatorFor({ script });
  const session = emulator.createSession();
  const runs: string[] = [];
  const served = serve(clientOf(emulator), session.id, [
    ...betaAgentToolset20260401({ workdir }),
    counted(runs),
  ]);
  await session.wait('streaming');
  await post(emulator, session.id, message());
  const calls = await served;

  expect(calls.map(call => [call.name, call.isError, call.posted])).toEqual([
    ['write', false, true],
    ['bash', false, true],
    ['lookup', false, true],
  ]);
  expect(session.info()).toMatchObject({
    status: 'idle',
    stop_reason: { type: 'end_turn' },
    script: 'done',
    failures: [],
    open_calls: [],
  });
  expect(runs).toEqual(['a']);
  expect(await readFile(join(workdir, 'effects'), 'utf8')).toBe('once\n');
  const ledger = session.ledger();
  expect(ledger.calls.map(call => [call.accepted.length, call.refused.length, call.closed_by])).toEqual([
    [1, 0, 'result'],
    [1, 0, 'result'],
    [1, 0, 'result'],
  ]);
  expect(ledger.calls[0]?.accepted[0]?.headers['x-stainless-helper']).toBe('session-tool-runner');
});

test('the SDK’s runner holds an asked call until it is allowed', { timeout: 20_000 }, async () => {
  const emulator = await emulatorFor({
    script: [{ ask: 'lookup', kind: 'builtin', input: { key: 'a' } }, { expect: { includes: 'value of a' } }],
  });
  const session = emulator.createSession({ message: 'go' });
  const runs: string[] = [];
  const served = serve(clientOf(emulator), session.id, [counted(runs)]);
  await session.wait('streaming');
  const { open_calls } = await session.wait('requires_action');
  expect(runs).toEqual([]);
  await post(emulator, session.id, {
    type: 'user.tool_confirmation',
    tool_use_id: open_calls[0] ?? '',
    result: 'allow',
  });
  expect(await served).toMatchObject([{ posted: true, confirmation: 'allow' }]);
  expect(runs).toEqual(['a']);
  expect(session.info().failures).toEqual([]);
});

test('the ledger shows that the SDK’s runner runs a call again after a refused post (W-5)', {
  timeout: 30_000,
}, async () => {
  const emulator = await emulatorFor({ script: [{ call: 'lookup', input: { key: 'a' } }] });
  const session = emulator.createSession({ message: 'go' });
  session.setFaults({ fail: [{ route: 'send', status: 400, times: 1, message: 'not now' }] });
  const runs: string[] = [];
  const served = serve(clientOf(emulator), session.id, [counted(runs)]);
  await eventually(() => session.ledger().calls[0]?.refused.length === 1);
  session.cutStreams();
  const calls = await served;
  expect(runs, 'the tool itself ran twice').toEqual(['a', 'a']);
  expect(calls.map(call => call.posted)).toEqual([false, true]);
  expect(session.ledger().calls).toMatchObject([
    { accepted: [{}], refused: [{ status: 400, message: 'not now' }], closed_by: 'result' },
  ]);
});
