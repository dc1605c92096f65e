/** What the server was told about a session's calls, by whom, and how often. */
import type { SessionHandle } from '../../../src/emulator/handle.ts';

export interface Answer {
  readonly id: string;
  readonly name: string;
  /** `user.tool_result` or `user.custom_tool_result`; undefined where we posted nothing. */
  readonly type: string | undefined;
  readonly text: string;
  readonly isError: boolean;
  /** Results of ours that the server took: more than one is a call answered twice. */
  readonly posts: number;
  /** Results of ours that it refused. */
  readonly refused: number;
  readonly closedBy: string | null;
}

interface Posted {
  readonly type: string;
  readonly is_error?: boolean;
  readonly content?: readonly { readonly text?: string }[];
}

/** One answer a call, in the order of the calls. */
export function answersOf(session: SessionHandle): Answer[] {
  return session.ledger().calls.map(({ id, name, accepted, refused, closed_by }) => {
    const event = accepted[0]?.event as Posted | undefined;
    return {
      id,
      name,
      type: event?.type,
      text: (event?.content ?? []).map(block => block.text ?? '').join('\n'),
      isError: event?.is_error ?? false,
      posts: accepted.length,
      refused: refused.length,
      closedBy: closed_by,
    };
  });
}

/** Texts of the answers, after making sure that each call was answered by exactly one post of ours. */
export function textsOf(session: SessionHandle): string[] {
  const answers = answersOf(session);
  const odd = answers.filter(answer => answer.posts !== 1 || answer.closedBy !== 'result');
  if (odd.length > 0) throw new Error(`not answered by exactly one post: ${JSON.stringify(odd)}`);
  return answers.map(answer => answer.text);
}
