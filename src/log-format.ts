/** How log lines are written (`HOLDFAST_LOG`). */
export type LogFormat = 'text' | 'json';

/** @throws RangeError for anything else. */
export function logFormat(text = 'text'): LogFormat {
  if (text === 'text' || text === 'json') return text;
  throw new RangeError(`HOLDFAST_LOG is ${text}: write text (for people) or json (an object a line)`);
}
