import { describe, expect, it } from 'vitest';
import type { ToolUseEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/evolve.ts';
import { callOf, initialState } from '../../src/session/state.ts';
import type { HeldCall } from '../../src/workflows/messages.ts';
import { callsHeld, callsUnknown, unknownCall } from '../../src/workflows/notice.ts';

const about = { session: 'sesn_1', title: null, host: null };

function held(call: string, input: unknown = {}): HeldCall {
  return {
    session: 'sesn_1',
    call,
    type: 'agent.tool_use',
    name: 'bash',
    summary: 'bash',
    input,
    thread: null,
    owned: true,
    since: '2027-01-01T00:00:00.000Z',
    deadline: null,
  };
}

describe('a notice', () => {
  it('leaves a long input to who looks the call up', () => {
    const inputs = [{ command: 'x'.repeat(980) }, { command: 'x'.repeat(1_000) }, null];
    const { calls } = callsHeld(
      about,
      inputs.map(input => held('sevt_1', input)),
    );
    expect(calls.map(({ input }) => input)).toEqual([inputs[0], null, null]);
  });

  it('names fifty calls and counts the others, so that no burst makes it too large', () => {
    const { calls, more } = callsHeld(
      about,
      Array.from({ length: 60 }, (_, i) => held(`sevt_${i}`)),
      70,
    );
    expect([calls.length, more]).toEqual([50, 20]);
    expect(callsUnknown(about, [])).toMatchObject({ calls: [], more: 0 });
  });

  it('tells of a call whose outcome is not known, and of no other', () => {
    const event: ToolUseEvent = {
      type: 'agent.tool_use',
      id: 'sevt_1',
      processed_at: null,
      name: 'bash',
      input: { command: './migrate.sh' },
    };
    const evidence = { input: '', startedAt: 1, endedAt: 2, lastLines: [], survivors: [] };
    const times = { startedAt: 1_000, finishedAt: 2_000, starts: 1 };
    const running = fold(
      initialState('sesn_1'),
      [event, { type: 'listed' }, { type: 'started', id: 'sevt_1' }],
      0,
    );
    const ended = (outcome: Parameters<typeof unknownCall>[0]['phase'] & { kind: 'finished' }) =>
      callOf(fold(running, [{ type: 'finished', id: 'sevt_1', outcome: outcome.outcome }], 0), 'sevt_1');
    const lost = ended({
      kind: 'finished',
      posting: false,
      outcome: { kind: 'unknown', reason: 'its tool host is gone', evidence, ...times },
    });
    const done = ended({
      kind: 'finished',
      posting: false,
      outcome: { kind: 'answered', isError: false, content: [], ...times },
    });
    if (lost === undefined || done === undefined) throw new Error('no call');
    expect(unknownCall(lost)).toEqual({
      call: 'sevt_1',
      name: 'bash',
      summary: 'bash: ./migrate.sh',
      thread: null,
      startedAt: '1970-01-01T00:00:01.000Z',
      reason: 'its tool host is gone',
    });
    expect(unknownCall(done)).toBeUndefined();
  });
});
