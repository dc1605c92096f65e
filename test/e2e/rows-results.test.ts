/** Rows 1, 2, 8, 9, 30, 31 and 70 of behaviours.md §2.1: calls and the results that answer them. */
import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../../src/emulator/session.ts';
import { answersOf } from './support/answers.ts';
import { endTurn, ledgerOf, quietSession, ROWS_TOOLS } from './support/rows.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url, { tools: ROWS_TOOLS });

describe.concurrent('results', () => {
  it('row 1: a builtin call runs with its input and is answered by one user.tool_result', async () => {
    const w = shared();
    const command = 'echo "row-1 0000000000000" >> "$EFFECTS"; echo "out $((40 + 2))"';
    const session = w.session([{ call: 'bash', input: { command } }]);
    const summary = await (await w.begin(session.id)).result();

    const call = ledgerOf(session, 'bash');
    expect(call.accepted.map(post => post.event)).toEqual([
      {
        type: 'user.tool_result',
        tool_use_id: call.id,
        is_error: false,
        content: [{ type: 'text', text: 'out 42' }],
      },
    ]);
    expect(call.refused).toEqual([]);
    expect(w.effects('row-1')).toHaveLength(1);
    expect(summary.calls).toMatchObject([
      { id: call.id, name: 'bash', state: 'settled', isError: false, posted: true, attempts: 1 },
    ]);
  });

  it('row 2: a tool that throws is answered by an error with its message', async () => {
    const w = shared();
    const session = w.session([{ call: 'fail', input: { message: 'the disk is on fire' } }]);
    const summary = await (await w.begin(session.id)).result();

    expect(answersOf(session)).toMatchObject([
      { text: 'Error: the disk is on fire', isError: true, posts: 1, closedBy: 'result' },
    ]);
    expect(summary.calls).toMatchObject([{ state: 'settled', isError: true, posted: true, attempts: 1 }]);
  });

  it('row 8: a builtin call that the history shows as answered does not run when the stream replays it', async () => {
    const command = 'echo "row-8 ran 0000000000000" >> "$EFFECTS"';
    await expectNoReplay('row-8', {
      call: { type: 'agent.tool_use', id: 'sevt_row8', name: 'bash', input: { command } },
      result: { type: 'user.tool_result', tool_use_id: 'sevt_row8', content: [] },
    });
  });

  it('row 9: a custom call that the history shows as answered does not run when the stream replays it', async () => {
    await expectNoReplay('row-9', {
      call: {
        type: 'agent.custom_tool_use',
        id: 'sevt_row9',
        name: 'closing',
        input: { label: 'row-9 ran' },
      },
      result: { type: 'user.custom_tool_result', custom_tool_use_id: 'sevt_row9', content: [] },
    });
  });

  it('row 30: a custom call is answered by a user.custom_tool_result, never by a user.tool_result', async () => {
    const w = shared();
    const session = w.session([{ call: 'effect', input: { label: 'row-30', ms: 1 } }]);
    await (await w.begin(session.id)).result();

    const call = ledgerOf(session, 'effect');
    expect(call.accepted.map(post => post.event)).toEqual([
      {
        type: 'user.custom_tool_result',
        custom_tool_use_id: call.id,
        is_error: false,
        content: [{ type: 'text', text: 'did row-30' }],
      },
    ]);
    expect(session.events('user.tool_result')).toEqual([]);
    expect(w.effects('begin row-30')).toHaveLength(1);
  });

  it('row 31: builtin and custom calls of one request each get their own kind of result', async () => {
    const w = shared();
    const session = w.session([
      {
        calls: [
          { call: 'bash', input: { command: 'echo from bash' } },
          { call: 'effect', input: { label: 'row-31', ms: 1 } },
          { call: 'glob', input: { pattern: '*.none' } },
          { call: 'give', input: { value: 'from give' } },
        ],
      },
    ]);
    await (await w.begin(session.id)).result();

    expect(answersOf(session).map(({ name, type, posts, refused }) => [name, type, posts, refused])).toEqual([
      ['bash', 'user.tool_result', 1, 0],
      ['effect', 'user.custom_tool_result', 1, 0],
      ['glob', 'user.tool_result', 1, 0],
      ['give', 'user.custom_tool_result', 1, 0],
    ]);
  });

  // The SDK's `untilDone` drives a runner in one's own process; ours is the command that waits for the run.
  it('row 70: `start --wait` drives a session to its end, and tells of every call', async () => {
    const w = shared();
    const session = w.session([
      { call: 'bash', input: { command: 'echo one' } },
      { expect: { includes: 'one', is_error: false } },
      {
        calls: [
          { call: 'effect', input: { label: 'row-70', ms: 1 } },
          { call: 'fail', input: { message: 'no' } },
        ],
      },
      { say: 'done' },
    ]);
    const { code, line } = await w.start(session.id, '--max-idle', '300ms');

    expect(code).toBe(0);
    expect(session.info()).toMatchObject({ script: 'done', open_calls: [], failures: [] });
    expect(line).toMatchObject({
      session: session.id,
      state: 'done',
      reason: 'idle',
      calls: [
        { name: 'bash', state: 'settled', posted: true, isError: false },
        { name: 'effect', state: 'settled', posted: true, isError: false },
        { name: 'fail', state: 'settled', posted: true, isError: true },
      ],
    });
  });
});

async function expectNoReplay(label: string, seen: { call: NewEvent; result: NewEvent }): Promise<void> {
  const w = shared();
  const session = quietSession(w, [seen.call, seen.result]);
  const handle = await w.begin(session.id);
  await w.listening(session.id);
  session.emit([seen.call], { log: false });
  // What comes behind it on the stream is served, so it was read.
  const behind = await session.agent.call('effect', { label: `behind ${label}`, ms: 1 });
  endTurn(session);
  const summary = await handle.result();

  expect(behind.text).toBe(`did behind ${label}`);
  expect([...w.effects(`${label} ran`), ...w.effects(`used ${label} ran`)]).toEqual([]);
  expect(session.ledger().calls.find(call => call.id === seen.call.id)).toMatchObject({
    accepted: [],
    refused: [],
  });
  // "Nothing is yielded": of the calls that the run tells of, none but the new one was started or posted.
  expect(summary.calls.filter(call => call.attempts > 0 || call.posted).map(call => call.name)).toEqual([
    'effect',
  ]);
}
