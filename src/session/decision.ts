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

/** Who decided what: `alice denied it: too risky`. */
export function decisionWords({ result, by, message, overdue }: Decision): string {
  if (overdue) return message ?? 'nobody answered in time';
  const what = `${by ?? 'a person'} ${result === 'allow' ? 'allowed' : 'denied'} it`;
  return message === undefined ? what : `${what}: ${message}`;
}
