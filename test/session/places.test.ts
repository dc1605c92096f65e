/** A call's place: its number among those that are over, by which followers ask for what is new. */
import { describe, expect, it } from 'vitest';
import { carried, settleAnswered, voidRest } from '../../src/session/records.ts';
import type { SessionState } from '../../src/session/state.ts';
import { given } from './given.ts';
import * as wire from './wire.ts';

const places = (state: SessionState) =>
  Object.fromEntries(Object.values(state.calls).map(({ id, place }) => [id, place]));

describe('a call gets its place', () => {
  it('when nothing more is to come of it, in that order, and none before', () => {
    const { state } = given(
      ...wire.READY,
      wire.call('slow'),
      wire.call('quick'),
      wire.custom('others', 'not_ours'),
      ...wire.started('slow', 'quick'),
      wire.finished('quick'),
      wire.posting('quick'),
      wire.delivered('quick'),
    );
    expect(places(state)).toEqual({ others: 1, quick: 2, slow: undefined });
    expect(state.places).toBe(2);
  });

  it('when it is denied, and when nothing can be answered any more', () => {
    const { state } = given(
      ...wire.READY,
      wire.ask('denied'),
      wire.ask('left'),
      wire.verdict('denied', 'deny'),
      wire.terminated(),
    );
    expect(places(state)).toEqual({ denied: 1, left: 2 });
  });

  it('of another client only when it needs no verdict any more, as the SDK’s runner tells it', () => {
    const held = given(...wire.READY, wire.ask('others', 'not_ours'));
    expect(places(held.state)).toEqual({ others: undefined });
    expect(places(held.after(1, wire.verdict('others', 'allow')).state)).toEqual({ others: 1 });
  });

  it('when the tools become known after it', () => {
    expect(places(given(wire.custom('others', 'not_ours'), ...wire.READY).state)).toEqual({ others: 1 });
  });

  it('where the run ends it', () => {
    const { state } = given(...wire.READY, wire.call('a'), wire.call('b'));
    expect(places(voidRest(state, 'over', 2))).toEqual({ a: 1, b: 2 });
    const answered = given(
      ...wire.READY,
      wire.call('a'),
      ...wire.started('a'),
      wire.answer('a', 'agent.tool_result'),
    );
    expect(places(settleAnswered(answered.state, 2))).toEqual({ a: 1 });
  });
});

describe('a place is kept', () => {
  it('by a call that is posted anew, that turns out to be ours, or that its owner answers', () => {
    const before = given(
      ...wire.READY,
      wire.custom('late', 'new_tool'),
      wire.custom('others', 'not_ours'),
      wire.call('again'),
      ...wire.started('again'),
      wire.finished('again'),
      wire.posting('again'),
      wire.delivered('again'),
    );
    const after = before.after(
      1,
      { type: 'undelivered', id: 'again' },
      { type: 'tools', tools: [{ ...wire.GET_WEATHER, name: 'new_tool' }] },
      wire.answer('others', 'user.custom_tool_result'),
      ...wire.started('late'),
      wire.finished('late'),
      wire.delivered('late'),
      wire.delivered('again'),
    );
    expect(places(after.state)).toEqual(places(before.state));
    expect(after.state.places).toBe(3);
  });

  it('through continue-as-new, and the next one follows it', () => {
    const before = given(...wire.READY, wire.custom('one', 'not_ours'));
    const next = carried(JSON.parse(JSON.stringify(before.state)) as SessionState);
    const after = before.continue(next).after(1, ...wire.READY, wire.custom('two', 'not_ours'));
    expect(places(after.state)).toEqual({ one: 1, two: 2 });
  });
});
