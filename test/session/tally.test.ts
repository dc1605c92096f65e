import { describe, expect, it } from 'vitest';
import { draftOf } from '../../src/session/draft.ts';
import { foldInto } from '../../src/session/evolve.ts';
import { initialState } from '../../src/session/state.ts';
import { tallyOf, watchCalls } from '../../src/session/tally.ts';
import * as wire from './wire.ts';

/** What is counted while these are folded, one after the other. */
function counted(...items: Parameters<typeof foldInto>[1]): string[] {
  const seen: string[] = [];
  const state = draftOf(initialState('sesn_1'));
  watchCalls(state, (before, after) => {
    const tally = tallyOf(before, after);
    if (tally !== undefined) seen.push(`${after.id} ${tally.kind === 'held' ? 'held' : tally.how}`);
  });
  for (const item of items) foldInto(state, [item], 0);
  return seen;
}

describe('of calls is counted', () => {
  it('each once: when it is held, and when it is over', () => {
    expect(
      counted(
        ...wire.READY,
        wire.ask('asked'),
        wire.call('plain'),
        wire.verdict('asked', 'deny'),
        ...wire.started('plain'),
        wire.finished('plain'),
        wire.posting('plain'),
        wire.delivered('plain'),
      ),
    ).toEqual(['asked held', 'asked denied', 'plain posted']);
  });

  it('nothing that was over before anybody listened', () => {
    const history = counted(wire.call('old'), wire.ask('waits'), wire.answer('old'), ...wire.READY);
    expect(history).toEqual(['waits held']);
  });

  it('no call of another client', () => {
    const others = counted(...wire.READY, wire.custom('others', 'not_ours'), wire.answer('others'));
    expect(others).toEqual([]);
  });
});
