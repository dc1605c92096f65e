/** What a person (or a deadline) decided about a held call through us, before the server has a verdict of it. */

export interface Decision {
  readonly result: 'allow' | 'deny';
  /** Who, as they call themselves. */
  readonly by?: string;
  /** Told to the agent with a denial. */
  readonly message?: string;
  /** No person: nobody answered in time. */
  readonly overdue?: true;
}

/** Who decided, in one or a few words. */
export function decisionBy({ by, overdue }: Decision): string {
  return overdue ? 'the deadline' : (by ?? 'a person');
}

/** Who decided what: `alice denied it: too risky`. */
export function decisionWords(decision: Decision): string {
  const { result, message, overdue } = decision;
  if (overdue) return message ?? 'nobody answered in time';
  const what = `${decisionBy(decision)} ${result === 'allow' ? 'allowed' : 'denied'} it`;
  return message === undefined ? what : `${what}: ${message}`;
}
