import { describe, expect, test } from 'vitest';
import { INPUT_INLINE_BYTES, SESSION_EVENT_TYPES, toSessionEvent } from '../../src/session/events.ts';
import { given } from './given.ts';
import { READY } from './wire.ts';

const BASE = { id: 'sevt_1', processed_at: '2026-01-01T00:00:00Z' };

describe('events as the wire has them', () => {
  test('a call keeps its input, permission and thread, and nothing that the fold has no use for', () => {
    const raw = {
      ...BASE,
      type: 'agent.tool_use',
      name: 'bash',
      input: { command: 'ls' },
      evaluated_permission: 'ask',
      session_thread_id: 'sthr_1',
      evaluation: { always_ask: true },
    };
    const { evaluation, ...kept } = raw;
    expect(toSessionEvent(raw)).toEqual(kept);
  });

  test('I7: a permission that is null, or no string, is not the same as none', () => {
    const raw = { ...BASE, type: 'agent.tool_use', name: 'bash', input: {} };
    expect(toSessionEvent(raw)).not.toHaveProperty('evaluated_permission');
    for (const evaluated_permission of [null, 7, {}, 'later']) {
      const event = toSessionEvent({ ...raw, evaluated_permission });
      if (event === undefined) throw new Error('the call was dropped');
      given(...READY, event)
        .thenStep({ kind: 'wait' })
        .thenCall('sevt_1', { state: 'held' });
    }
  });

  test('a call without an input, or with null, has an empty one', () => {
    for (const input of [{}, { input: null }])
      expect(toSessionEvent({ ...BASE, type: 'agent.custom_tool_use', name: 'x', ...input })).toMatchObject({
        input: {},
      });
  });

  test.each([
    ['agent.tool_result', 'tool_use_id'],
    ['user.tool_result', 'tool_use_id'],
    ['user.custom_tool_result', 'custom_tool_use_id'],
  ])('%s answers the call that its %s names', (type, field) => {
    expect(toSessionEvent({ ...BASE, type, [field]: 'c1', content: [] })).toEqual({
      ...BASE,
      type,
      tool_use_id: 'c1',
    });
    const other = field === 'tool_use_id' ? 'custom_tool_use_id' : 'tool_use_id';
    expect(toSessionEvent({ ...BASE, type, [other]: 'c1' })).toBeUndefined();
  });

  test('I7: a confirmation without a result denies', () => {
    const confirmation = toSessionEvent({ ...BASE, type: 'user.tool_confirmation', tool_use_id: 'c1' });
    expect(confirmation).toMatchObject({ result: 'undefined' });
  });

  test('I7: an idle without a stop reason that can be read ends the turn', () => {
    for (const stop_reason of [undefined, null, 'end_turn', {}, { type: 3 }])
      expect(toSessionEvent({ ...BASE, type: 'session.status_idle', stop_reason })).toMatchObject({
        stop_reason: 'unknown',
        event_ids: [],
      });
  });

  test('requires_action names its calls; other stop reasons name none', () => {
    const idle = (type: string) =>
      toSessionEvent({ ...BASE, type: 'session.status_idle', stop_reason: { type, event_ids: ['c1', 3] } });
    expect(idle('requires_action')).toMatchObject({ stop_reason: 'requires_action', event_ids: ['c1'] });
    expect(idle('end_turn')).toMatchObject({ event_ids: [] });
  });

  test('a user event that is queued has no stamp', () => {
    expect(toSessionEvent({ id: 'i1', type: 'user.interrupt', processed_at: null })).toEqual({
      id: 'i1',
      type: 'user.interrupt',
      processed_at: null,
    });
    expect(toSessionEvent({ id: 'i1', type: 'user.interrupt' })).toMatchObject({ processed_at: null });
  });

  test.each([
    ['null', null],
    ['a string', 'x'],
    ['an array', []],
    ['no id', { type: 'user.interrupt', processed_at: null }],
    ['an empty id', { ...BASE, id: '', type: 'user.interrupt' }],
    ['a type of the server’s own calls', { ...BASE, type: 'agent.mcp_tool_use', name: 'x', input: {} }],
    ['a future type', { ...BASE, type: 'session.status_dreaming' }],
    ['an answer to nothing', { ...BASE, type: 'user.tool_result' }],
    ['a confirmation of nothing', { ...BASE, type: 'user.tool_confirmation', result: 'allow' }],
    ['the end of no thread', { ...BASE, type: 'session.thread_status_terminated' }],
  ])('%s is dropped at the edge', (_, raw) => {
    expect(toSessionEvent(raw)).toBeUndefined();
  });

  test('every type that lists ask for is understood', () => {
    const fields = {
      tool_use_id: 'c',
      custom_tool_use_id: 'c',
      session_thread_id: 't',
      result: 'allow',
      name: 'n',
    };
    for (const type of SESSION_EVENT_TYPES)
      expect(toSessionEvent({ ...BASE, ...fields, type })?.type).toBe(type);
  });
});

describe('inputs above 64 kB', () => {
  const call = (input: unknown) => toSessionEvent({ ...BASE, type: 'agent.tool_use', name: 'write', input });

  test('travel as a reference that keeps what locks, timeouts and summaries need', () => {
    const event = call({
      file_path: 'a.txt',
      content: 'x'.repeat(INPUT_INLINE_BYTES),
      timeout_ms: 5,
      deep: { a: 1 },
    });
    expect(event).not.toHaveProperty('input');
    expect(event).toMatchObject({
      input_ref: { hint: { file_path: 'a.txt', content: 'x'.repeat(200), timeout_ms: 5 } },
    });
    expect(event).not.toHaveProperty('input_ref.hint.deep');
  });

  test('have a small hint, however many or long their fields are', () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`field${index}`, 'x'.repeat(300)]),
    );
    for (const input of [many, { ['k'.repeat(INPUT_INLINE_BYTES)]: 'x' }, 'x'.repeat(99_000)])
      expect(JSON.stringify(call(input)).length).toBeLessThan(6_000);
  });

  test('a smaller one travels whole', () => {
    const input = { content: 'x'.repeat(INPUT_INLINE_BYTES - 100) };
    expect(call(input)).toMatchObject({ input });
  });
});
