import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Look, timelineLines } from '../../src/cli/bars.ts';
import { isUtf8 } from '../../src/cli/terminal.ts';
import { fitted, textWidth } from '../../src/cli/text-width.ts';
import { timeline } from '../../src/timeline/timeline.ts';
import type { CallDetail } from '../../src/workflows/messages.ts';
import { detail, START, time } from '../timeline/call.ts';

const plain = (width: number, unicode = false): Look => ({ width, unicode, paint: (_, text) => text });

function drawn(calls: readonly Partial<CallDetail>[], look = plain(60), interrupts: number[] = []): string[] {
  const status = { interrupts: interrupts.map(at => ({ at: time(at), thread: null })) };
  return timelineLines(timeline(calls.map(detail), status, START + 40_000), look);
}

const RAN = {
  state: 'settled',
  seenAt: time(0),
  startedAt: time(10_000),
  finishedAt: time(30_000),
  settledAt: time(40_000),
} as const;

describe('a timeline in characters', () => {
  it('is a bar for each call over one axis, with what its signs mean', () => {
    const held = {
      summary: 'bash: rm -r build',
      seenAt: time(20_000),
      heldAt: time(20_000),
      decidedAt: time(30_000),
      decidedBy: 'alice',
      confirmation: 'allow',
      state: 'running',
      startedAt: time(30_000),
    } as const;
    expect(drawn([RAN, held], plain(68), [35_000])).toEqual([
      '                            2026-01-01 00:00:00Z             +40.0 s',
      'interrupts                                                     !',
      'bash: npm test     settled  ..........####################>>>>>>>>>>',
      'bash: rm -r build  running                      ----------+#########',
      '. waiting  - held  # running  > posting  + allowed',
      '+ 00:00:30Z  bash: rm -r build: alice allowed it',
    ]);
  });

  it('shows a run however short it was', () => {
    const short = { ...RAN, startedAt: time(20_000), finishedAt: time(20_001) };
    expect(drawn([short])[1]).toMatch(/settled {2}\.+#>+$/);
  });

  it('of several marks in one place shows the weightiest', () => {
    const unknown = { ...RAN, reattached: { times: 1, at: time(30_000) }, unfinished: 'unknown' } as const;
    const [, bar, legend] = drawn([unknown]);
    expect(bar).toContain('#?>');
    expect(legend).toContain('@ attached again  ? end unknown');
  });

  it('has signs of its own where the terminal knows more than ASCII', () => {
    expect(drawn([RAN], plain(60, true))[1]).toMatch(/^bash: npm test {2}settled {2}·+█+▓+$/);
  });

  it('is not there where no call has a time', () => {
    expect(drawn([{}])).toEqual([]);
  });

  it('draws the newest hundred of two thousand calls, and says so', () => {
    const lines = drawn(Array.from({ length: 2_000 }, () => RAN));
    expect(lines).toHaveLength(103);
    expect(lines[0]).toBe('(1900 earlier calls are not drawn)');
  });

  it('fits the width, whatever the summary is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 50, max: 200 }), (summary, width) => {
        const [, bar] = drawn([{ ...RAN, summary }], plain(width, true));
        expect(textWidth(bar ?? '')).toBeLessThanOrEqual(width);
      }),
    );
  });
});

it('a text is cut or filled to its columns, also where characters are two wide', () => {
  expect(fitted('bash', 6)).toBe('bash  ');
  expect(fitted('bash: npm test', 6)).toBe('bash:…');
  expect(fitted('日本語', 6)).toBe('日本語');
  expect(fitted('日本語', 5)).toBe('日本…');
  expect(fitted('日本語', 4)).toBe('日… ');
  expect(fitted('日本語', 4, '~')).toBe('日~ ');
});

it.each([
  [{ LANG: 'C.UTF-8' }, true],
  [{ LANG: 'en_US.utf8', LC_ALL: '' }, true],
  [{ LANG: 'C.UTF-8', LC_ALL: 'C' }, false],
  [{}, false],
])('the locale %o says whether UTF-8 can be shown: %s', (env, expected) => {
  expect(isUtf8(env)).toBe(expected);
});
