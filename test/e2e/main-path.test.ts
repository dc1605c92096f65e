/** The main path: a session's calls from the stream to their posted results (issue 3, design §2 and §9). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../src/emulator/calls.ts';
import { answersOf } from './support/answers.ts';
import { world } from './support/world.ts';

describe.concurrent('a session served from its first call to its idle end', () => {
  it('runs builtin and custom calls (rows 1, 30, 31), and leaves a history that tells the whole story', async context => {
    const w = await world(context, { env: { ANTHROPIC_CUSTOM_HEADERS: 'x-team: tools' } });
    await w.worker();
    const told: CallResult[] = [];
    const session = w.session(async agent => {
      told.push(await agent.call('bash', { command: 'echo one > made.txt; echo hello' }));
      told.push(
        ...(await agent.calls([
          { name: 'write', input: { file_path: 'b.txt', content: 'two\n' } },
          { name: 'effect', input: { label: 'custom', ms: 20 } },
        ])),
      );
      told.push(await agent.call('bash', { command: 'cat made.txt b.txt; (exit 3)' }));
    });

    const { code, line } = await w.start(session.id, '--max-idle', '1s');

    expect(code).toBe(0);
    expect(told.map(({ text, is_error }) => [text.trim(), is_error])).toEqual([
      ['hello', false],
      [expect.stringContaining('b.txt'), false],
      ['did custom', false],
      ['one\ntwo', true],
    ]);
    const answers = answersOf(session);
    expect(answers.map(({ type, posts, refused }) => [type, posts, refused])).toEqual([
      ['user.tool_result', 1, 0],
      ['user.tool_result', 1, 0],
      ['user.custom_tool_result', 1, 0],
      ['user.tool_result', 1, 0],
    ]);
    expect(w.effects()).toEqual(['begin custom', 'end custom']);

    const { id: host } = JSON.parse(readFileSync(`${w.stateDir}/host-id`, 'utf8')) as { id: string };
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).toStrictEqual({
      session: session.id,
      state: 'done',
      reason: 'idle',
      host,
      calls: answers.map(({ id, name, isError }) => ({
        id,
        name,
        state: 'settled',
        isError,
        posted: true,
        startedAt: time,
        finishedAt: time,
        attempts: 1,
      })),
    });

    const { signals, activities, timers } = await w.history(session.id);
    const heard = signals.filter(({ name }) => name === 'events').map(({ args }) => args[0] as Batch);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every(batch => batch.epoch === 0 && batch.lease === 1 && batch.attempt === 1)).toBe(true);
    const events = heard.flatMap(batch => batch.events);
    expect(new Set(events.map(event => event.id)).size).toBe(events.length);
    expect(events.filter(event => event.type.startsWith('agent.'))).toHaveLength(4);
    expect(events.filter(event => event.type.endsWith('_result'))).toEqual([]);

    const runs = activities.filter(({ type }) => type === 'runTool');
    expect(runs.map(({ id, summary }) => [id, summary])).toEqual([
      [answers[0]?.id, 'bash: echo one > made.txt; echo hello'],
      [answers[1]?.id, 'write: b.txt'],
      [answers[2]?.id, 'effect: {"label":"custom","ms":20}'],
      [answers[3]?.id, 'bash: cat made.txt b.txt; (exit 3)'],
    ]);
    for (const run of runs)
      expect(run).toMatchObject({ queue: `tools@${host}`, startToCloseMs: 180_000, heartbeatMs: 3_000 });
    const posts = activities.filter(({ type }) => type === 'postResults');
    expect(posts.length).toBeGreaterThan(0);
    for (const post of posts) {
      expect(post).toMatchObject({ queue: 'sessions', startToCloseMs: 30_000, heartbeatMs: 3_000 });
      expect(post).toMatchObject({ maximumAttempts: 0, retryIntervalMs: 500 });
      expect(post.summary).toMatch(/^results? of /);
    }
    expect(timers).toContainEqual({ ms: 1_000, summary: 'waiting 1 s for the next turn' });
    const types = activities.map(({ type }) => type);
    expect(types.slice(-2)).toEqual(['readTail', 'closeWorkspace']);
    expect(activities.filter(({ summary }) => summary === '')).toEqual([]);

    // Rows 39 and 68: the caller's headers, the helper's and the API key travel on stream, list and send.
    const requests = w.emulator.requests().filter(({ session_id }) => session_id === session.id);
    expect(new Set(requests.map(({ route }) => route))).toEqual(
      new Set(['retrieve', 'stream', 'list', 'send']),
    );
    for (const { headers } of requests) {
      expect(headers).toMatchObject({ 'x-team': 'tools', 'x-stainless-helper': 'holdfast' });
      expect(headers['x-api-key'] ?? headers.authorization).toMatch(/^(Bearer )?test-key$/);
    }
  });

  it('sends the environment key as Bearer, and then the API key never travels with it (row 67)', async context => {
    const w = await world(context, {
      apiKeys: [],
      environmentKeys: ['env-key'],
      env: { ANTHROPIC_ENVIRONMENT_KEY: 'env-key', ANTHROPIC_API_KEY: 'org-key' },
    });
    await w.worker();
    const session = w.session([{ call: 'bash', input: { command: 'echo hello; env' } }]);

    const { code, line } = await w.start(session.id, '--max-idle', '500ms');

    expect(code).toBe(0);
    expect(line?.calls).toMatchObject([{ posted: true, isError: false }]);
    const requests = w.emulator.requests();
    expect(new Set(requests.map(({ route }) => route))).toEqual(
      new Set(['retrieve', 'stream', 'list', 'send']),
    );
    for (const { headers } of requests) {
      expect(headers.authorization).toBe('Bearer env-key');
      expect(headers['x-api-key']).toBeUndefined();
    }
    // I9: neither key reaches a tool, a history or a log.
    const [answer] = answersOf(session);
    const told = [answer?.text, JSON.stringify(await w.history(session.id)), w.said()].join('\n');
    expect(told).not.toMatch(/env-key|org-key/);
  });
});

interface Batch {
  readonly epoch: number;
  readonly lease: number;
  readonly attempt: number;
  readonly events: readonly { readonly id: string; readonly type: string }[];
}
