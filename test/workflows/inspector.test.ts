import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { detailsOf } from '../../src/workflows/inspector.ts';
import { Run } from '../../src/workflows/run.ts';
import { statusOf } from '../../src/workflows/visible.ts';
import { ask, call, delivered, finished, OUTCOMES, READY, started } from '../session/wire.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const shown = (run: Run) => detailsOf(run, statusOf(run)).split('\n');

it('the details of a run are a table that tells times, with what goes on first', () => {
  const run = new Run({ sessionId: 'sesn_1' });
  run.fold(...READY, call('c1', 'bash', { input: { command: 'a | b' } }), ask('c2'), ...started('c1'));
  vi.setSystemTime(NOW + 5_000);
  const outcome = { ...OUTCOMES.answered, startedAt: NOW, finishedAt: NOW + 4_200 };
  run.fold({ type: 'finished', id: 'c1', outcome }, delivered('c1'), call('c3'), ...started('c3'));
  run.title = 'Clean `up`';
  run.stuck = { what: 'a host for the tools', since: NOW };
  expect(shown(run)).toEqual([
    "Clean 'up'",
    '',
    '**running**, waits for 1 running: bash',
    '',
    '**stuck**: it has waited for a host for the tools since 2026-01-01 12:00:00 UTC',
    '',
    '| call | state | seen (UTC) | ran | why |',
    '|---|---|---|---|---|',
    '| bash | held | 2026-01-01 12:00:00 |  | waits for an approval |',
    '| bash | running | 2026-01-01 12:00:05 | since 12:00:05 | its tool runs |',
    '| bash: a \\| b | settled | 2026-01-01 12:00:00 | 4.2 s | posted |',
  ]);
});

it('of a long session the newest calls are shown, and those that still wait', () => {
  const run = new Run({ sessionId: 'sesn_1' });
  run.fold(...READY, ask('first', 'read'));
  for (let i = 0; i < 100; i++)
    run.fold(call(`c${i}`, `t${i}`), ...started(`c${i}`), finished(`c${i}`), delivered(`c${i}`));
  const lines = shown(run);
  expect(lines[4]).toContain('| read | held |');
  expect(lines[5]).toContain('| t99 | settled |');
  expect(lines.slice(-2)).toEqual(['', 'and 71 other calls']);
});
