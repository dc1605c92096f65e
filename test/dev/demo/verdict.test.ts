import { expect, test } from 'vitest';
import type { PlannedCall } from '../../../src/dev/demo/agent-script.ts';
import { type Evidence, judge, verdictLine } from '../../../src/dev/demo/verdict.ts';
import type { LedgerCall } from '../../../src/emulator/ledger.ts';
import { interruptedReport } from '../../../src/session/report.ts';

const mail: PlannedCall = { id: 'sevt_1', name: 'send_mail', what: 'ada', effect: 'mail to ada' };
const read: PlannedCall = { id: 'sevt_2', name: 'read', what: 'cart.mjs', effect: undefined };

function answered({ id, name }: PlannedCall, text = 'done', isError = false): LedgerCall {
  const event = { is_error: isError, content: [{ type: 'text', text }] };
  return {
    id,
    name,
    kind: 'agent.custom_tool_use',
    input: {},
    session_thread_id: null,
    emitted_at: 0,
    accepted: [{ at: 1, headers: {}, event_id: 'sevt_9', event, response: 'sent' }],
    refused: [],
    confirmations: [],
    closed_by: 'result',
    closed_at: 1,
  };
}

function evidence(changes: Partial<Omit<Evidence, 'ledger'>> & { calls?: readonly LedgerCall[] }): Evidence {
  const { calls = [answered(mail), answered(read)], ...rest } = changes;
  return {
    made: [mail, read],
    ledger: { session_id: 'sesn_1', calls, unmatched: [], failures: [] },
    effects: new Map([['mail to ada', 1]]),
    testsPassed: true,
    scriptEnded: true,
    faults: [],
    ...rest,
  };
}

test('each call answered and each effect there once is ok', () => {
  const verdict = judge(evidence({}));
  expect(verdict).toEqual({ ok: true, calls: 2, runTwice: 0, lost: 0, problems: [] });
  expect(verdictLine(verdict)).toBe('demo: ok (2 calls, 0 run twice, 0 lost)');
});

test('two lines of one call in the effects ledger are a call run twice, though it was answered once', () => {
  const verdict = judge(evidence({ effects: new Map([['mail to ada', 2]]) }));
  expect(verdict).toMatchObject({ ok: false, runTwice: 1, lost: 0 });
  expect(verdictLine(verdict)).toBe('demo: failed (2 calls, 1 run twice, 0 lost)');
});

test('a call without a result is lost', () => {
  const open = { ...answered(read), accepted: [], closed_by: null };
  expect(judge(evidence({ calls: [answered(mail), open] }))).toMatchObject({ ok: false, lost: 1 });
});

test('a success without its effect is lost', () => {
  expect(judge(evidence({ effects: new Map() }))).toMatchObject({ ok: false, runTwice: 0, lost: 1 });
});

test('a report of the unknown is no success, in the words that the product uses', () => {
  const facts = { input: '', startedAt: 0, endedAt: 1, lastLines: [], survivors: [] };
  const report = interruptedReport('send_mail', 'its host is gone', facts, 1);
  const verdict = judge(evidence({ calls: [answered(mail, report, true), answered(read)] }));
  expect(verdict).toMatchObject({ ok: false, runTwice: 0, lost: 0 });
  expect(verdict.problems).toEqual(['send_mail ada was answered with a report of the unknown']);
});

test.each([
  ['the tests do not pass', { testsPassed: false }],
  ['the agent stops half-way', { scriptEnded: false }],
  ['an effect is nobody’s', { effects: new Map([...evidence({}).effects, ['rm', 1]]) }],
  ['something else was seen', { faults: ['the worker could not be killed'] }],
])('it fails when %s', (_, changes) => {
  const { ok, problems } = judge(evidence(changes));
  expect({ ok, problems: problems.length }).toEqual({ ok: false, problems: 1 });
});
