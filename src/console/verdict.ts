/** A verdict that came with a form. */
import { lineOf } from '../client/asking.ts';
import { oneLine } from '../session/summary.ts';
import type { ApprovalAnswer } from '../workflows/messages.ts';
import type { ConsoleSource } from './source.ts';

export interface Said {
  readonly status: 200 | 400 | 403 | 409 | 503;
  /** For the person who answered. */
  readonly text: string;
}

/** @param form its fields as they came; the API takes a message with a denial only. */
export async function takeVerdict(
  source: ConsoleSource,
  session: string,
  call: string,
  form: Readonly<Record<string, unknown>>,
): Promise<Said> {
  const { result, message, by } = form;
  if (result !== 'allow' && result !== 'deny') return { status: 400, text: 'The form has no verdict.' };
  const text = (value: unknown) => (typeof value === 'string' ? value.trim() : '');
  const answer: ApprovalAnswer = {
    callId: call,
    result,
    ...(text(by) === '' ? {} : { by: text(by) }),
    ...(result === 'deny' && text(message) !== '' ? { message: text(message) } : {}),
  };
  try {
    const taken = await source.answer(session, answer);
    switch (taken.kind) {
      case 'accepted':
        return {
          status: 200,
          text: `${result === 'allow' ? 'Allowed' : 'Denied'}: ${call} of ${session}. The API is being told.`,
        };
      case 'rejected':
        return { status: 409, text: `Not taken: ${oneLine(taken.reason)}.` };
      case 'not-served':
        return {
          status: 409,
          text: `Not taken: ${session} is not served now. Start it with: holdfast start ${session}`,
        };
    }
  } catch (error) {
    const why = `${lineOf(error)}; is a worker running?`;
    return {
      status: 503,
      text: `It is not known whether your answer was taken (${why}) Answering again is safe.`,
    };
  }
}
