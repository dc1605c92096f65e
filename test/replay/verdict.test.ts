/** The errors are the SDK's own words, as seen; the events those of a recorded session. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readHistory } from '../../src/replay/recorded-history.ts';
import { explain } from '../../src/replay/verdict.ts';

const FILE = new URL('../fixtures/histories/0.1.0/one-call-1.json', import.meta.url);
const { events } = readHistory(readFileSync(FILE));

const told = (message: string) =>
  'Replay failed with a nondeterminism error. This means that the workflow code as written is not compatible with ' +
  'the history that was fed in. Details: Workflow activation completion failed: Failure { failure: Some(Failure { ' +
  `message: "${message}", source: "", stack_trace: "", cause: None }), force_cause: NonDeterministicError }`;

const cases: [string, number | null, string][] = [
  [
    '[TMPRL1100] Nondeterminism error: Timer machine does not handle this event: HistoryEvent(id: 6, ActivityTaskScheduled)',
    6,
    'the history has the call of the activity openSession (look the session up); this version starts a timer there',
  ],
  [
    '[TMPRL1100] Nondeterminism error: Complete workflow machine does not handle this event: HistoryEvent(id: 6, ActivityTaskScheduled)',
    6,
    'the history has the call of the activity openSession (look the session up); this version ends the run there',
  ],
  [
    '[TMPRL1100] Nondeterminism error: No command scheduled for event HistoryEvent(id: 14, UpsertWorkflowSearchAttributes)',
    14,
    'the history has UpsertWorkflowSearchAttributes; this version does nothing there',
  ],
  [
    "[TMPRL1100] Nondeterminism error: Activity type of scheduled event 'postResults' does not match activity type of activity command 'readTail'",
    38,
    'the history calls the activity postResults; this version calls readTail there',
  ],
  [
    "[TMPRL1100] Nondeterminism error: Activity id of scheduled event 'openSession' does not match activity id of activity command 'open'",
    6,
    'the history calls an activity with the id openSession; this version calls open there',
  ],
  ['[TMPRL1100] Nondeterminism error: something \\"new\\"', null, 'something "new"'],
];

it.each(cases)('%s', (message, event, why) => {
  expect(explain(told(message), events)).toEqual({ verdict: 'nondeterministic', event, why });
});

it('code that throws is told with its words, not as nondeterminism', () => {
  const error =
    'Replay failed due workflow task failure. Details: … message: "boom\\nat x", source: "TypeScriptSDK"';
  expect(explain(error, events)).toEqual({
    verdict: 'failed',
    event: null,
    why: 'this version’s code throws: boom',
  });
});
