/** What a run of chaos comes to, call by call. Pure: ledgers in, findings out (the words of design §10). */

/** All that is known of one call after the end. */
export interface CallEvidence {
  readonly id: string;
  /** For a person: `work s3-17 (sevt_…)`. */
  readonly title: string;
  /** How its tool's starts count: `none` leaves nothing to count. */
  readonly effect: 'once' | 'repeatable' | 'none';
  /** Lines that its tool has left for its effect. */
  readonly lines: number;
  /** Starts that are known of it: at least `lines`, more where it was started and did not come to its effect. */
  readonly starts: number;
  /** Undefined: nobody answered. */
  readonly answer: { readonly isError: boolean; readonly text: string } | undefined;
  /** What its tool says when it ends; undefined: anything. */
  readonly expected: { readonly isError: boolean; readonly includes: string } | undefined;
  /** Tool hosts of its session that were killed while the call was marked or running on them. */
  readonly hostKills: number;
}

export interface Findings {
  /** One line each. */
  readonly doubled: readonly string[];
  readonly lost: readonly string[];
  readonly wronglyUnknown: readonly string[];
  /** Answered with the report of the unknown, after its tool host was killed under it: allowed. */
  readonly unknown: number;
  /** Idempotent calls that were started more than once, as they may be. */
  readonly startedAgain: number;
}

/** The wording of the report that a call gets whose outcome nobody knows (design §4, the interrupted report). */
const UNKNOWN = /^The outcome of this \S+ call is not known: /;

/** How often an idempotent call may be started in all (design §4). */
const MOST_STARTS = 3;

export function judge(calls: readonly CallEvidence[]): Findings {
  const doubled: string[] = [];
  const lost: string[] = [];
  const wronglyUnknown: string[] = [];
  let unknown = 0;
  let startedAgain = 0;
  for (const call of calls) {
    const { title, effect, starts, answer, hostKills } = call;
    const allowed = effect === 'repeatable' ? Math.min(MOST_STARTS, 1 + hostKills) : 1;
    if (starts > allowed) doubled.push(`${title} ran ${starts} times`);
    else if (starts > 1) startedAgain++;
    if (answer === undefined) lost.push(`${title} got no result`);
    else if (UNKNOWN.test(answer.text)) {
      if (hostKills > 0) unknown++;
      else wronglyUnknown.push(`${title} was answered as unknown, but no tool host was killed under it`);
    } else {
      const fault = faultOf(call, answer);
      if (fault !== undefined) lost.push(`${title} ${fault}`);
    }
  }
  return { doubled, lost, wronglyUnknown, unknown, startedAgain };
}

function faultOf(
  { effect, lines, expected }: CallEvidence,
  answer: NonNullable<CallEvidence['answer']>,
): string | undefined {
  if (effect !== 'none' && lines === 0 && !answer.isError) return 'was reported as done, but had no effect';
  if (expected === undefined) return undefined;
  if (answer.isError === expected.isError && answer.text.includes(expected.includes)) return undefined;
  return `was answered with what its tool did not say: ${answer.text.slice(0, 200)}`;
}
