import { describe, expect, test } from 'vitest';
import { replyOf } from '../../src/session/reply.ts';
import { given } from './given.ts';
import {
  answer,
  at,
  call,
  custom,
  delivered,
  finished,
  idle,
  interrupt,
  LISTED,
  LISTING,
  posting,
  READY,
  started,
  TOOLS,
  terminated,
} from './wire.ts';

const RUN_C1 = { kind: 'run', ids: ['c1'] } as const;
const WAIT = { kind: 'wait' } as const;

describe('calls that run', () => {
  test('row 1: an owned call runs with its input, and its result is posted once', () => {
    const before = given(...READY, call('c1', 'bash', { input: { command: 'ls' } })).thenStep(RUN_C1);
    expect(before.call('c1').input).toEqual({ command: 'ls' });
    const ended = before
      .after(0, ...started('c1'))
      .thenStep(WAIT)
      .after(500, finished('c1'));
    expect(replyOf(ended.call('c1'))).toEqual({ isError: false, content: [{ type: 'text', text: 'ok' }] });
    ended
      .thenStep({ kind: 'post', ids: ['c1'] })
      .after(0, posting('c1'))
      .thenStep(WAIT)
      .after(0, delivered('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', why: 'posted', starts: 1, isError: false });
  });

  test('rows 30, 31: a custom call runs beside a builtin one, and each keeps its own kind for its answer', () => {
    given(...READY, call('c1', 'read'), custom('c2'))
      .thenStep({ kind: 'run', ids: ['c1', 'c2'] })
      .thenCall('c1', { type: 'agent.tool_use' })
      .thenCall('c2', { type: 'agent.custom_tool_use' });
  });

  test('without an open workspace the first call asks for one, and a session without calls asks for none', () => {
    given(...READY, call('c1')).thenStep({ kind: 'open-workspace' }, { workspaceOpen: false });
    given(...READY, idle()).thenStep(WAIT, { workspaceOpen: false });
  });

  test('row 10: a terminated or deleted session ends at once, and its calls never start', () => {
    given(...READY, call('c1'), terminated())
      .thenStep({ kind: 'end', state: 'done', reason: 'terminated' })
      .thenCall('c1', { state: 'void', why: 'void: the session ended' })
      .after(0, call('c2'))
      .thenCall('c2', { state: 'void' });
    given(terminated('session.deleted')).thenStep({ kind: 'end', state: 'done', reason: 'deleted' });
  });
});

describe('calls of other owners (I6)', () => {
  test('row 3: names that no tool has, builtin and custom, stay pending for their owner', () => {
    given(...READY, call('c1', 'web_search'), custom('c2', 'lookup'), custom('c3'))
      .thenStep({ kind: 'run', ids: ['c3'] })
      .thenCall('c1', { state: 'unowned', why: 'left to the client that owns this tool' })
      .thenCall('c2', { state: 'unowned' });
  });

  test('row 4: without any tool every call is left alone, not answered with an error', () => {
    given({ type: 'tools', tools: [] }, LISTED, call('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'unowned' });
  });

  test('a call stays unowned when its owner has answered it', () => {
    given(...READY, custom('c1', 'lookup'), answer('c1', 'user.custom_tool_result'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'unowned', phase: { how: 'answered-elsewhere' } as never });
  });

  test('also when the tools are known only after its answer', () => {
    given(
      custom('c1', 'lookup'),
      answer('c1', 'user.custom_tool_result'),
      custom('c2'),
      answer('c2'),
      ...READY,
    )
      .thenCall('c1', { state: 'unowned' })
      .thenCall('c2', { state: 'settled' });
  });

  test('I6: an unowned call is not answered after an interrupt either', () => {
    given(...READY, custom('c1', 'lookup'), interrupt())
      .after(60_000)
      .thenStep(WAIT)
      .thenCall('c1', { state: 'unowned' });
  });

  test('nothing runs before the tools are known, and new tools judge every unstarted call anew, both ways', () => {
    const none: typeof TOOLS = { type: 'tools', tools: [] };
    given(LISTED, call('c1'))
      .thenStep(WAIT)
      .after(0, TOOLS)
      .thenStep(RUN_C1)
      .after(0, none)
      .thenStep(WAIT)
      .thenCall('c1', { state: 'unowned', locks: [] })
      .after(0, TOOLS)
      .thenStep(RUN_C1);
  });

  test('new tools change nothing for a call that runs; given back unstarted, it is judged by them', () => {
    given(...READY, call('c1'), ...started('c1'), { type: 'tools', tools: [] })
      .thenCall('c1', { state: 'running', owned: true })
      .after(0, { type: 'unstarted', id: 'c1' })
      .thenStep(WAIT)
      .thenCall('c1', { state: 'unowned' });
  });
});

describe('calls that have their answer', () => {
  test('row 8: a call whose result is in the history never runs, also when the stream brings it again', () => {
    const replayed = at(0, call('c1'));
    given(replayed, answer('c1'), ...READY, replayed)
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', phase: { how: 'answered-elsewhere' } as never });
  });

  test('row 9: the same holds for a custom call', () => {
    const replayed = at(0, custom('c1'));
    given(replayed, answer('c1', 'user.custom_tool_result'), ...READY, replayed).thenStep(WAIT);
  });

  test('I1: an answer that comes before its call settles it', () => {
    given(...READY, answer('c1', 'agent.tool_result'), call('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled' });
  });

  test('a call waits for the end of the history: its answer may stand on a later page (§2.1)', () => {
    const reading = given(TOOLS, LISTING, call('c1')).thenStep(WAIT).thenCall('c1', {
      why: 'waits until the history is read',
    });
    reading.after(0, LISTED).thenStep(RUN_C1);
    reading.after(0, answer('c1'), LISTED).thenStep(WAIT);
  });

  test('a reconnect holds back only calls that it brings: what an earlier listing covered may start', () => {
    given(...READY, call('c1'), LISTING, call('c2', 'read'))
      .thenStep(RUN_C1)
      .thenCall('c2', { listed: false });
  });

  test('a call answered elsewhere while its tool runs is stopped, and nothing is posted for it (§6)', () => {
    given(...READY, call('c1'), ...started('c1'), answer('c1', 'agent.tool_result'))
      .thenStep({ kind: 'stop', ids: ['c1'], reason: 'the call was answered elsewhere' })
      .after(0, { type: 'stopping', ids: ['c1'] }, finished('c1', 'stopped'))
      .thenStep(WAIT)
      .thenCall('c1', { state: 'settled', phase: { how: 'answered-elsewhere' } as never });
  });

  test('a finished call answered elsewhere before its post is not posted; one under way waits for its post', () => {
    const done = given(...READY, call('c1'), ...started('c1'), finished('c1'));
    done
      .after(0, answer('c1'))
      .thenStep(WAIT)
      .thenCall('c1', { phase: { how: 'answered-elsewhere' } as never });
    done
      .after(0, posting('c1'), answer('c1'))
      .thenCall('c1', { state: 'finished', why: 'its result is being posted' })
      .after(0, delivered('c1'))
      .thenCall('c1', { why: 'posted' });
  });

  test('facts about a settled call change nothing: its activity may report what the server overtook', () => {
    const settled = given(...READY, call('c1'), answer('c1'));
    const later = settled.after(0, ...started('c1'), finished('c1'), delivered('c1'), posting('c1'));
    expect(later.state.calls).toEqual(settled.state.calls);
  });
});
