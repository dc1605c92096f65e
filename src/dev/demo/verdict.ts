/** What a demo's run comes to. Pure: the ledgers in, the figures and the faults out. */
import type { LedgerCall, LedgerReport } from '../../emulator/ledger.ts';
import type { PlannedCall } from './agent-script.ts';

export interface Evidence {
  readonly made: readonly PlannedCall[];
  readonly ledger: LedgerReport;
  readonly effects: ReadonlyMap<string, number>;
  readonly testsPassed: boolean;
  /** Whether the agent's script came to its end. */
  readonly scriptEnded: boolean;
  /** What went wrong besides, such as a limit that was reached. */
  readonly faults: readonly string[];
}

export interface Verdict {
  readonly ok: boolean;
  readonly calls: number;
  /** Calls with more than one line in the effects ledger. */
  readonly runTwice: number;
  /** Calls that nobody answered, and calls answered with a success that had no effect. */
  readonly lost: number;
  /** One line each; empty if and only if the verdict is ok. */
  readonly problems: readonly string[];
}

/** The wording of the report that a call gets whose outcome nobody knows (design §4, the interrupted report). */
const UNKNOWN = /^The outcome of this \S+ call is not known: /;

export function judge(evidence: Evidence): Verdict {
  const { made, ledger, effects } = evidence;
  const posted = new Map(ledger.calls.map(call => [call.id, call]));
  const problems: string[] = [];
  let runTwice = 0;
  let lost = 0;
  for (const call of made) {
    const label = `${call.name} ${call.what}`;
    const entry = posted.get(call.id);
    const answer = answerOf(entry);
    const times = call.effect === undefined ? undefined : (effects.get(call.effect) ?? 0);
    if (times !== undefined && times > 1) {
      runTwice++;
      problems.push(`${label} took effect ${times} times`);
    }
    if (answer === undefined || entry?.closed_by !== 'result') {
      lost++;
      problems.push(`${label} got no result`);
      continue;
    }
    if (times === 0 && !answer.isError) {
      lost++;
      problems.push(`${label} was reported as done, but had no effect`);
    }
    if (UNKNOWN.test(answer.text)) problems.push(`${label} was answered with a report of the unknown`);
  }
  const known = new Set(made.map(call => call.effect));
  for (const effect of effects.keys()) {
    if (!known.has(effect)) problems.push(`an effect that no call should have: ${effect}`);
  }
  problems.push(...ledger.failures, ...evidence.faults);
  if (!evidence.scriptEnded && problems.length === 0) problems.push('the agent did not come to its end');
  if (evidence.scriptEnded && !evidence.testsPassed) problems.push('the project’s tests do not pass');
  return { ok: problems.length === 0, calls: made.length, runTwice, lost, problems };
}

/** The last line of the demo's standard output. */
export function verdictLine({ ok, calls, runTwice, lost }: Verdict): string {
  return `demo: ${ok ? 'ok' : 'failed'} (${calls} calls, ${runTwice} run twice, ${lost} lost)`;
}

interface PostedResult {
  readonly is_error?: boolean;
  readonly content?: readonly { readonly text?: string }[];
}

function answerOf(call: LedgerCall | undefined): { isError: boolean; text: string } | undefined {
  const event = call?.accepted[0]?.event as PostedResult | undefined;
  if (event === undefined) return undefined;
  const text = (event.content ?? []).map(block => block.text ?? '').join('\n');
  return { isError: event.is_error === true, text };
}
