/** What the stream does to a session: it is cut, repeats itself, comes late, or leaves events out (I1, I3). */
import { describe, expect, it } from 'vitest';
import type { Faults } from '../../src/emulator/faults.ts';
import type { Script } from '../../src/emulator/script.ts';
import type { EmulatorOptions } from '../../src/emulator/server.ts';
import { answersOf, textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { createWorld, sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url);

const CLOCK_AHEAD: EmulatorOptions = { clockOffsetMs: 3_600_000, stampResolution: 'unique' };
const COARSE_STAMPS: EmulatorOptions = { stampResolution: 5_000, processingDelayMs: 200 };

/** Six calls one after the other, each of which leaves a line. */
function sixCalls(name: string): Script {
  return Array.from({ length: 6 }, (_, i) => ({ call: 'effect', input: { label: `${name} ${i}`, ms: 20 } }));
}

async function serve(name: string, faults: Faults): Promise<void> {
  const w = shared();
  const session = w.session(sixCalls(name));
  session.setFaults(faults);
  const summary = await (await w.begin(session.id)).result();

  expect(summary).toMatchObject({ state: 'done', reason: 'idle' });
  expect(summary.calls.map(({ state, posted, attempts }) => [state, posted, attempts])).toEqual(
    Array.from({ length: 6 }, () => ['settled', true, 1]),
  );
  expect(textsOf(session)).toEqual(Array.from({ length: 6 }, (_, i) => `did ${name} ${i}`));
  expect(w.effects(`begin ${name} `)).toEqual(Array.from({ length: 6 }, (_, i) => `begin ${name} ${i}`));
}

describe.concurrent('each call runs once and is answered once', () => {
  it('when every stream is cut after three events', async () => {
    await serve('cut', { stream: { cut_after_events: 3 } });
  });

  it('when the first connections close at once', async () => {
    await serve('closing', { stream: { close_at_connect: 3 } });
  });

  it('when every frame comes twice', async () => {
    await serve('twice', { stream: { duplicate_frames: true } });
  });

  it('when frames of calls come late, behind those that name them', async () => {
    await serve('late', {
      stream: { delay_frames: [{ types: ['agent.custom_tool_use'], ms: 700, times: 3 }] },
    });
  });

  it('when the stream leaves every call out: the list tells what the server waits for (§2.7)', async () => {
    await serve('dropped', { stream: { drop_types: ['agent.custom_tool_use'] } });
  });

  it('when the stream leaves a call out and the list shows it late (§2.7)', async () => {
    await serve('unlisted', {
      stream: { drop_types: ['agent.custom_tool_use'] },
      commit_race_ms: 1_500,
      commit_race_hides: true,
    });
  });

  it('row 66: when the history comes in pages of two, one of which fails', async () => {
    const w = shared();
    const history = Array.from({ length: 20 }, (_, i) => ({
      type: 'agent.message',
      content: [{ type: 'text', text: `old ${i}` }],
    }));
    const session = w.session(
      [
        { call: 'bash', input: { command: 'echo "begin paged 0 0000000000000" >> "$EFFECTS"' } },
        { call: 'effect', input: { label: 'paged 1', ms: 20 } },
      ],
      { history },
    );
    session.setFaults({ list: { max_page_size: 2, scan_limit: 3, fail_page: 2, times: 2 } });
    const summary = await (await w.begin(session.id)).result();
    expect(summary.state).toBe('done');
    expect(textsOf(session)).toHaveLength(2);
    expect(w.effects('begin paged')).toEqual(['begin paged 0', 'begin paged 1']);
  });

  it('when the stream is cut between a call and its result, and again while it is posted', async () => {
    const w = shared();
    const session = w.session([
      {
        call: 'bash',
        input: { command: 'echo "begin between 0000000000000" >> "$EFFECTS"; sleep 2; echo out' },
      },
    ]);
    session.setFaults({ latency_ms: { send: 500 } });
    const handle = await w.begin(session.id);
    await w.effect('begin between');
    expect(session.cutStreams()).toBe(1);
    const sending = () => w.emulator.requests().some(r => r.route === 'send' && r.session_id === session.id);
    await eventually('the result is being posted', sending);
    session.cutStreams();
    expect((await handle.result()).state).toBe('done');
    expect(textsOf(session)).toEqual(['out']);
    expect(w.effects('begin between')).toHaveLength(1);
    expect(answersOf(session)[0]?.refused).toBe(0);
  });

  it('does not run again what the history shows as answered (rows 8, 9)', async () => {
    const w = shared();
    const call = (id: string, type: string, name: string, input: object) => ({ type, id, name, input });
    const session = w.session('manual', {
      history: [
        call('sevt_old1', 'agent.tool_use', 'bash', {
          command: 'echo "old bash 0000000000000" >> "$EFFECTS"',
        }),
        { type: 'user.tool_result', tool_use_id: 'sevt_old1', content: [{ type: 'text', text: 'ok' }] },
        call('sevt_old2', 'agent.custom_tool_use', 'effect', { label: 'old', ms: 1 }),
        { type: 'user.custom_tool_result', custom_tool_use_id: 'sevt_old2', content: [] },
      ],
    });
    const handle = await w.begin(session.id);
    await w.listening(session.id);
    // The same calls once more on the live stream.
    session.emit(
      [
        call('sevt_old1', 'agent.tool_use', 'bash', {
          command: 'echo "old bash 0000000000000" >> "$EFFECTS"',
        }),
        call('sevt_old2', 'agent.custom_tool_use', 'effect', { label: 'old', ms: 1 }),
      ],
      { log: false },
    );
    await session.agent.call('effect', { label: 'new', ms: 1 });
    void session.agent.idle();
    await handle.result();
    expect(w.effects('begin new')).toHaveLength(1);
    expect([...w.effects('old bash'), ...w.effects('begin old')]).toEqual([]);
  });
});

describe.concurrent('each call runs once, and the run ends idle', () => {
  const clocks: [string, EmulatorOptions][] = [
    ['when the server’s clock is an hour behind', { clockOffsetMs: -3_600_000 }],
    ['when the server’s clock is an hour ahead, and its stamps are fine', CLOCK_AHEAD],
    ['when stamps cover five seconds, and user events are queued for a while', COARSE_STAMPS],
  ];
  it.each(clocks)('%s', async (_, options) => {
    const w = await createWorld(import.meta.url, options);
    try {
      await w.worker();
      const session = w.session(async agent => {
        await agent.calls([1, 2, 3].map(i => ({ name: 'effect', input: { label: `a${i}`, ms: 20 } })));
        await agent.call('bash', { command: 'echo two' });
        await agent.idle();
        await agent.call('effect', { label: 'next turn', ms: 1 });
      });
      const handle = await w.begin(session.id, { maxIdleMs: 1_500 });
      await eventually('the first turn is over', () => session.ledger().calls.length === 4);
      await session.wait('idle');
      session.cutStreams();
      session.sendMessage('on');
      const { calls, reason } = await handle.result();
      expect(reason).toBe('idle');
      expect(calls.map(({ posted, attempts }) => [posted, attempts])).toEqual(
        Array.from({ length: 5 }, () => [true, 1]),
      );
      expect(textsOf(session)).toEqual(['did a1', 'did a2', 'did a3', 'two', 'did next turn']);
      expect(w.effects('begin')).toHaveLength(4);
    } finally {
      await w.end();
    }
  });
});
