import { expect, test } from 'vitest';
import { type CallEvidence, judge } from '../../../src/dev/chaos/verdict.ts';
import { interruptedReport } from '../../../src/session/report.ts';

const evidence = { input: '', startedAt: 0, endedAt: 0, lastLines: [], survivors: [] };
const UNKNOWN = { isError: true, text: interruptedReport('work', 'its tool host ended', evidence, 1) };

/** A call that did its work once and told so. */
function call(more: Partial<CallEvidence> = {}): CallEvidence {
  const { lines = 1 } = more;
  return {
    starts: lines,
    id: 'sevt_1',
    title: 'work s1-1',
    effect: 'once',
    lines,
    answer: { isError: false, text: 'did s1-1' },
    expected: { isError: false, includes: 'did s1-1' },
    hostKills: 0,
    ...more,
  };
}

test('a call that took effect once and was answered with it is nothing to tell', () => {
  expect(judge([call()])).toEqual({ doubled: [], lost: [], wronglyUnknown: [], unknown: 0, startedAgain: 0 });
});

test('two lines of one call are a doubled call, whatever was posted', () => {
  expect(judge([call({ lines: 2 })]).doubled).toEqual(['work s1-1 ran 2 times']);
  expect(judge([call({ lines: 2, hostKills: 3 })]).doubled).toHaveLength(1);
  expect(judge([call({ lines: 2, answer: UNKNOWN, hostKills: 1 })]).doubled).toHaveLength(1);
});

test('a second start that was killed before its effect is a doubled call as well', () => {
  expect(judge([call({ lines: 1, starts: 2, answer: UNKNOWN, hostKills: 1 })]).doubled).toEqual([
    'work s1-1 ran 2 times',
  ]);
});

test('an idempotent call may start once more for each time its tool host was killed under it, three times in all', () => {
  const again = (lines: number, hostKills: number) =>
    judge([call({ effect: 'repeatable', lines, hostKills })]);
  expect(again(2, 1)).toMatchObject({ doubled: [], startedAgain: 1 });
  expect(again(3, 2)).toMatchObject({ doubled: [], startedAgain: 1 });
  expect(again(2, 0).doubled).toEqual(['work s1-1 ran 2 times']);
  expect(again(3, 1).doubled).toHaveLength(1);
  expect(again(4, 5).doubled).toHaveLength(1);
});

test('a call that nobody answered is lost', () => {
  expect(judge([call({ answer: undefined })]).lost).toEqual(['work s1-1 got no result']);
});

test('a success without its effect is lost', () => {
  expect(judge([call({ lines: 0 })]).lost).toEqual(['work s1-1 was reported as done, but had no effect']);
  expect(judge([call({ lines: 0, effect: 'none' })]).lost).toEqual([]);
});

test('an answer that its tool did not give is lost: the agent never learned the result', () => {
  const other = { isError: true, text: 'the result could not be delivered' };
  expect(judge([call({ answer: other })]).lost).toEqual([
    'work s1-1 was answered with what its tool did not say: the result could not be delivered',
  ]);
  expect(judge([call({ answer: { isError: true, text: 'did s1-1' } })]).lost).toHaveLength(1);
  expect(judge([call({ answer: other, expected: undefined })]).lost).toEqual([]);
});

test('an unknown is allowed only where a tool host was killed under the call', () => {
  expect(judge([call({ answer: UNKNOWN, hostKills: 1, lines: 0 })])).toMatchObject({
    unknown: 1,
    wronglyUnknown: [],
    lost: [],
  });
  expect(judge([call({ answer: UNKNOWN })])).toMatchObject({
    unknown: 0,
    wronglyUnknown: ['work s1-1 was answered as unknown, but no tool host was killed under it'],
  });
});
