import { expect, test } from 'vitest';
import { drain } from '../../../src/dev/chaos/drain.ts';
import { type Outcome, reportOf } from '../../../src/dev/chaos/report.ts';
import { reportText } from '../../../src/dev/chaos/report-text.ts';
import type { Struck } from '../../../src/dev/chaos/striker.ts';
import type { CallEvidence } from '../../../src/dev/chaos/verdict.ts';
import { startEmulator } from '../../../src/emulator/server.ts';

const FACTS = {
  runner: 'holdfast',
  seed: 7,
  sessions: 1,
  at: '2026-01-01T00:00:00.000Z',
  cpus: 2,
  node: 'v24',
  tookMs: 9_000,
  repeat: 'holdfast chaos --seed 7',
} as const;

const call: CallEvidence = {
  id: 'a',
  title: 'work s1-1 (a)',
  effect: 'once',
  lines: 1,
  starts: 1,
  answer: { isError: false, text: 'did s1-1' },
  expected: { isError: false, includes: 'did s1-1' },
  hostKills: 0,
};

function struck(victim: Struck['victim'], ...caught: Struck['caught']): Struck {
  return { victim, act: 'kill', at: 1_000, hosts: [], caught };
}

function outcome(more: Partial<Outcome> = {}): Outcome {
  const strikes = [
    struck(
      'worker',
      { id: 'a', sessionId: 's1', phase: 'queued' },
      { id: 'b', sessionId: 's1', phase: 'posting' },
    ),
    struck('api', { id: 'a', sessionId: 's1', phase: 'running' }),
  ];
  return {
    strikes,
    stuck: [],
    endedByThemselves: [],
    calls: [call],
    progress: new Map([['s1', [1_500]]]),
    ...more,
  };
}

test('catches count at every strike, calls once; phases and victims are kept apart', () => {
  const { caught, strikes, ok } = reportOf(FACTS, outcome());
  expect(ok).toBe(true);
  expect(strikes).toEqual({ worker: 1, api: 1 });
  expect(caught).toMatchObject({ calls: 2, catches: 3 });
  expect(caught.phases).toEqual({ queued: 1, marked: 0, running: 1, finished: 0, posting: 1 });
  expect(caught.byVictim.api).toEqual({ queued: 0, marked: 0, running: 1, finished: 0, posting: 0 });
});

test.each<[string, Partial<Outcome>]>([
  ['doubled', { calls: [{ ...call, starts: 2 }] }],
  ['lost', { calls: [{ ...call, answer: undefined }] }],
  [
    'wronglyUnknown',
    {
      calls: [{ ...call, answer: { isError: true, text: 'The outcome of this work call is not known: x.' } }],
    },
  ],
  ['stuck', { stuck: ['session s1 is running, waits for nothing'] }],
])('one call or session %s makes the whole run fail', (figure, more) => {
  const report = reportOf(FACTS, outcome(more));
  expect(report).toMatchObject({ ok: false, [figure]: 1 });
  expect(report.problems).toHaveLength(1);
  expect(reportText(report)).toContain('chaos: failed (1 calls, 2 caught in flight');
});

test('strikes that caught nothing prove nothing: the run fails', () => {
  const report = reportOf(FACTS, outcome({ strikes: [struck('worker')] }));
  expect(report).toMatchObject({
    ok: false,
    problems: ['no call was in flight at any strike: nothing is proved'],
  });
});

test('a session whose agent still waits after the limit is stuck, and said what for', async () => {
  const emulator = await startEmulator();
  try {
    const session = emulator.createSession({ script: [{ call: 'work' }], message: 'go' });
    const other = emulator.createSession({ script: [{ say: 'done' }], message: 'go' });
    await session.wait('requires_action');
    await other.wait('script_done');
    const options = { limitMs: 50, signal: new AbortController().signal, left: () => {} };
    const { stuck } = await drain([session, other], undefined, options);
    expect(stuck).toEqual([`session ${session.id} its agent is running, 1 calls without a result`]);
  } finally {
    await emulator.close();
  }
});
