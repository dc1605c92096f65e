import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/session/facts.ts';
import { replyOf } from '../../src/session/reply.ts';
import { type Given, given } from './given.ts';
import { custom, finished, posting, READY, started } from './wire.ts';

const MOVED: Fact = { type: 'moved', to: 'other-host' };
const stored: Fact = {
  type: 'finished',
  id: 'c1',
  outcome: {
    kind: 'stored',
    isError: false,
    bytes: 300_000,
    sha256: '',
    startedAt: 1,
    finishedAt: 2,
    starts: 1,
  },
};

function text(state: Given, id: string): string {
  const blocks = replyOf(state.call(id))?.content ?? [];
  return blocks.map(block => (block.type === 'text' ? block.text : '')).join('\n');
}

describe('a session that moved to another machine', () => {
  test('tells it with the next result that is posted, and only with that', () => {
    const after = given(
      ...READY,
      custom('c1'),
      custom('c2'),
      ...started('c1', 'c2'),
      finished('c1'),
      finished('c2'),
    ).after(0, MOVED, posting('c1', 'c2'));
    expect(text(after, 'c1')).toContain('files written before');
    expect(text(after, 'c2')).not.toContain('files written before');
    expect(after.state.notice).toBeUndefined();
  });

  test('keeps it for a result that leaves from here: a stored one is posted by its host', () => {
    const after = given(...READY, custom('c1'), ...started('c1'), stored).after(0, MOVED, posting('c1'));
    expect(after.state.notice).toContain('files written before');
  });

  test('says it again when that result must be posted once more', () => {
    const after = given(...READY, custom('c1'), ...started('c1'), finished('c1'))
      .after(0, MOVED, posting('c1'))
      .after(0, { type: 'delivered', id: 'c1', how: 'alone' }, posting('c1'));
    expect(text(after, 'c1')).toContain('files written before');
  });
});

describe('a stored result whose host is lost', () => {
  test('is answered with what is known: it ran to its end', () => {
    given(...READY, custom('c1'), ...started('c1'), stored, posting('c1'))
      .after(0, { type: 'output-lost', id: 'c1' })
      .thenStep({ kind: 'post', ids: ['c1'] })
      .thenCall('c1', { isError: true });
  });

  test('stays settled when it was delivered before that was known', () => {
    given(...READY, custom('c1'), ...started('c1'), stored, posting('c1'))
      .after(0, { type: 'delivered', id: 'c1', how: 'posted' }, { type: 'output-lost', id: 'c1' })
      .thenCall('c1', { state: 'settled', isError: false });
  });
});
