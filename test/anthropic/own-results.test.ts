import { expect, test } from 'vitest';
import { createOwnResults } from '../../src/anthropic/own-results.ts';

test('a result is ours once the server accepted it, and only in its session', () => {
  const own = createOwnResults();
  expect(own.look('s', 'a')).toEqual({ kind: 'foreign' });
  own.posting('s', ['a'])(true);
  expect(own.look('s', 'a')).toEqual({ kind: 'accepted' });
  expect(own.look('other', 'a')).toEqual({ kind: 'foreign' });
});

test('a look while the post is on its way learns how it ended', async () => {
  const own = createOwnResults();
  const done = own.posting('s', ['a', 'b']);
  const a = own.look('s', 'a');
  const b = own.look('s', 'b');
  done(false);
  expect(a.kind === 'posting' && (await a.settled)).toBe(false);
  expect(b.kind === 'posting' && (await b.settled)).toBe(false);
  expect(own.look('s', 'a')).toEqual({ kind: 'foreign' });
});

test('of two posts of one result, one accepted is enough, and the last failure alone tells "not ours"', async () => {
  const own = createOwnResults();
  const first = own.posting('s', ['a']);
  const second = own.posting('s', ['a']);
  first(false);
  const look = own.look('s', 'a');
  expect(look.kind).toBe('posting');
  second(true);
  expect(look.kind === 'posting' && (await look.settled)).toBe(true);
});

test('telling twice how a post ended counts once', () => {
  const own = createOwnResults();
  const other = own.posting('s', ['a']);
  const done = own.posting('s', ['a']);
  done(false);
  done(false);
  expect(own.look('s', 'a').kind).toBe('posting');
  other(false);
  expect(own.look('s', 'a')).toEqual({ kind: 'foreign' });
});

test('accepted results are forgotten oldest first beyond the limit, those on their way never', () => {
  const own = createOwnResults(3);
  own.posting('s', ['flying']);
  for (const id of ['a', 'b', 'c', 'd']) own.posting('s', [id])(true);
  expect(own.look('s', 'flying').kind).toBe('posting');
  expect(['a', 'b', 'c', 'd'].map(id => own.look('s', id).kind)).toEqual([
    'foreign',
    'foreign',
    'accepted',
    'accepted',
  ]);
});
