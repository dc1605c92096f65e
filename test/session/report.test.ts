import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../src/session/outcome.ts';
import { interruptedReport, stoppedReport } from '../../src/session/report.ts';

const EVIDENCE: Evidence = {
  input: 'npm test',
  startedAt: Date.parse('2026-01-01T00:00:00Z'),
  endedAt: Date.parse('2026-01-01T00:01:02.500Z'),
  lastLines: ['ok 1', 'ok 2'],
  exitStatus: 137,
  survivors: ['4711 sleep 600'],
};
const SILENT: Evidence = { ...EVIDENCE, input: '', lastLines: [], survivors: [], exitStatus: 0 };

describe('the interrupted report', () => {
  test('tells all that is known, that the call was not retried, and that nobody refused it', () => {
    expect(interruptedReport('bash', 'the tool host died', EVIDENCE, 1)).toBe(
      `The outcome of this bash call is not known: the tool host died.
Call: bash: npm test
Started at 2026-01-01T00:00:00.000Z, last known to run 62.5 s later.
Its last output:
  ok 1
  ok 2
Its exit status was 137.
These processes of it could not be ended and may still run:
4711 sleep 600
It was not retried. It may have taken effect, wholly or in part: check before you do it again.
This is a fault of the machine that ran the tool. No user interrupted or refused the call.`,
    );
  });

  test('says so when there was no output, and how often an idempotent tool was started', () => {
    const { exitStatus, ...unknownExit } = SILENT;
    expect(interruptedReport('sync', 'the machine was restarted', unknownExit, 3)).toBe(
      `The outcome of this sync call is not known: the machine was restarted.
Call: sync
Started at 2026-01-01T00:00:00.000Z, last known to run 62.5 s later (started 3 times).
It had written no output.
It was not retried. It may have taken effect, wholly or in part: check before you do it again.
This is a fault of the machine that ran the tool. No user interrupted or refused the call.`,
    );
  });

  test('does not make up an end or an output where the records are lost', () => {
    const lost = interruptedReport('bash', 'its machine is lost', { ...SILENT, recordsLost: true }, 1);
    expect(lost).toContain('Started at 2026-01-01T00:00:00.000Z, its end was not seen.');
    expect(lost).toContain('What it had written is lost.');
    expect(lost).not.toContain('no output');
  });

  test('a clock that went back gives no negative duration', () => {
    const back = { ...SILENT, endedAt: SILENT.startedAt - 5_000 };
    expect(interruptedReport('bash', 'x', back, 1)).toContain('last known to run 0.0 s later');
  });
});

describe('the report of a stopped call', () => {
  test('tells what the call did until it was stopped', () => {
    expect(stoppedReport('bash', 'the user interrupted the session', EVIDENCE, 1)).toBe(
      `This bash call was stopped before it ended: the user interrupted the session.
Call: bash: npm test
Started at 2026-01-01T00:00:00.000Z, stopped after 62.5 s.
Its last output:
  ok 1
  ok 2
Its exit status was 137.
These processes of it could not be ended and may still run:
4711 sleep 600
What it did until then stands. It was not retried.`,
    );
  });

  test('of one that never started says that it had no effect, and nothing else', () => {
    expect(stoppedReport('bash', 'the session was stopped', SILENT, 0)).toBe(
      'This bash call was not started: the session was stopped. It had no effect.',
    );
  });
});

test('an exit status of 0 is evidence too', () => {
  expect(stoppedReport('bash', 'x', SILENT, 1)).toContain('Its exit status was 0.');
});
