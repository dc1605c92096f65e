/** What a script expects of a call's result. */
import { z } from 'zod';
import type { CallResult } from './calls.ts';

export const expectationSchema = z.strictObject({
  /** Texts that must all stand in the result's text. */
  includes: z.union([z.string(), z.array(z.string())]).optional(),
  /** A text that must not. */
  excludes: z.string().optional(),
  /** A regular expression (flags `s` and `u`). */
  matches: z.string().optional(),
  is_error: z.boolean().optional(),
  closed_by: z.enum(['result', 'interrupt', 'deny', 'terminated', 'server']).optional(),
  /** Which of the last results, from 0; left out: all of them. */
  index: z.int().min(0).optional(),
});

export type Expectation = z.infer<typeof expectationSchema>;

/** Why the results don't meet the expectation, or undefined where they do. */
export function mismatch(results: readonly CallResult[], expected: Expectation): string | undefined {
  const subjects = expected.index === undefined ? results : results.slice(expected.index, expected.index + 1);
  if (subjects.length === 0)
    return `expected a result${expected.index === undefined ? '' : ` ${expected.index}`}, but there is none`;
  for (const result of subjects) {
    const reason = mismatchOf(result, expected);
    if (reason !== undefined) return `${result.name} (${result.id}): ${reason}`;
  }
  return undefined;
}

function mismatchOf(result: CallResult, expected: Expectation): string | undefined {
  const got = `got ${result.is_error ? 'the error ' : ''}${JSON.stringify(result.text.slice(0, 400))}`;
  const includes = typeof expected.includes === 'string' ? [expected.includes] : (expected.includes ?? []);
  const missing = includes.find(text => !result.text.includes(text));
  if (missing !== undefined) return `expected a text with ${JSON.stringify(missing)}, ${got}`;
  if (expected.excludes !== undefined && result.text.includes(expected.excludes)) {
    return `expected a text without ${JSON.stringify(expected.excludes)}, ${got}`;
  }
  if (expected.matches !== undefined && !new RegExp(expected.matches, 'su').test(result.text)) {
    return `expected a text that matches /${expected.matches}/, ${got}`;
  }
  if (expected.is_error !== undefined && result.is_error !== expected.is_error) {
    return `expected is_error ${expected.is_error}, ${got}`;
  }
  if (expected.closed_by !== undefined && result.closed_by !== expected.closed_by) {
    return `expected to be closed by ${expected.closed_by}, was closed by ${result.closed_by}`;
  }
  return undefined;
}
