import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveCall } from '../../src/cli/call-id.ts';
import { changesIn } from '../../src/cli/changes.ts';
import { frameOf } from '../../src/cli/screen.ts';

describe('a watch in a pipe', () => {
  it('tells what is new or other than before, and once what is gone', () => {
    const look = changesIn<{ id: string; state: string }>(row => row.id);
    const gone = (row: { id: string; state: string }) => ({ ...row, state: 'ended' });
    const [a, b] = [
      { id: 'a', state: 'running' },
      { id: 'b', state: 'held' },
    ];
    expect(look([a, b], gone)).toEqual([a, b]);
    expect(look([{ ...a }, b], gone)).toEqual([]);
    expect(look([{ ...a, state: 'idle' }], gone)).toEqual([
      { id: 'a', state: 'idle' },
      { id: 'b', state: 'ended' },
    ]);
    expect(look([{ ...a, state: 'idle' }], gone)).toEqual([]);
    expect(look([{ ...a, state: 'idle' }, b], gone)).toEqual([b]);
  });
});

describe('a frame', () => {
  const text = (frame: string) => stripVTControlCharacters(frame).split('\r\n');

  it('overwrites each line in its place and erases what stood there before', () => {
    expect(frameOf(['one', 'two'], 24)).toContain('\u001b[Hone\u001b[K\r\ntwo\u001b[K\r\n\u001b[J');
  });

  it('never scrolls: what does not fit is counted', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    expect(text(frameOf(lines, 5))).toEqual(['line 0', 'line 1', 'line 2', '… and 27 more lines', '']);
    expect(text(frameOf(lines.slice(0, 4), 5))).toHaveLength(5);
    expect(text(frameOf(lines.slice(0, 5), 5))).toHaveLength(5);
  });
});

describe('CALL', () => {
  const ids = ['sevt_01AB', 'sevt_02AB', 'sevt_02ABC'];

  it.each([
    ['sevt_02AB', 'sevt_02AB'],
    ['sevt_01', 'sevt_01AB'],
    ['ABC', 'sevt_02ABC'],
    ['sevt_other', 'sevt_other'],
  ])('%s is %s', (wanted, id) => {
    expect(resolveCall(ids, wanted)).toBe(id);
  });

  it('that fits several is asked for again', () => {
    const why = '2 calls fit "AB": sevt_01AB, sevt_02AB; write more of the id';
    expect(() => resolveCall(ids, 'AB')).toThrow(expect.objectContaining({ message: why, exitCode: 2 }));
  });
});
