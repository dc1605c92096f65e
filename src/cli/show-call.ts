/** One call: what it was made with, what became of it, and what it was answered with. */
import type { Client } from '@temporalio/client';
import { ANSWER_MS } from '../client/asking.ts';
import { type CallContent, callContent } from '../client/call-content.ts';
import { printable } from '../printable.ts';
import type { ContentBlock } from '../session/answers.ts';
import { oneLine } from '../session/summary.ts';
import type { CallDetail } from '../workflows/messages.ts';
import { resolveCall } from './call-id.ts';
import { CliError } from './failure.ts';
import { readSession } from './read-session.ts';
import { callTable } from './table.ts';
import { paint } from './terminal.ts';

interface ShownCall {
  readonly session: string;
  readonly id: string;
  /** Undefined where the run keeps no record of it. */
  readonly call: CallDetail | undefined;
  readonly content: CallContent;
}

/**
 * @param wanted the call's id, or its beginning or end.
 * @returns what is to be printed. @throws CliError 2 for a call that the session does not have.
 */
export async function showCall(
  client: Client,
  session: string,
  wanted: string,
  json: boolean,
): Promise<string> {
  const { runId, calls } = await readSession(client, session);
  const id = resolveCall(
    calls.map(call => call.id),
    wanted,
  );
  const content = await callContent(client, session, runId, id, { unansweredMs: ANSWER_MS });
  const call = calls.find(each => each.id === id);
  if (call === undefined && content.input.kind === 'unknown')
    throw new CliError(`${session} has no call ${wanted}; see: holdfast show ${session}`, 2);
  const shown = { session, id, call, content };
  return json ? jsonOf(shown) : textOf(shown);
}

function jsonOf({ session, id, call, content: { input, result } }: ShownCall): string {
  return JSON.stringify({
    session,
    id,
    ...call,
    input: input.kind === 'kept' ? input.value : null,
    content: result.kind === 'kept' ? result.content : null,
    tooLarge: { input: input.kind === 'too-large', content: result.kind === 'too-large' },
  });
}

function textOf(shown: ShownCall): string {
  const { id, call, content } = shown;
  const blocks = [
    call === undefined ? `${id}: the run keeps no record of it any more` : callTable([call]),
    `${paint('gray', 'INPUT')}\n${inputText(content)}`,
    `${paint('gray', heading(content))}\n${resultText(shown)}`,
  ];
  return blocks.join('\n\n');
}

function heading({ result }: CallContent): string {
  return result.kind === 'kept' && result.isError ? 'RESULT (an error)' : 'RESULT';
}

function inputText({ input }: CallContent): string {
  switch (input.kind) {
    case 'kept':
      return printable(JSON.stringify(input.value, null, 2) ?? 'none');
    case 'too-large':
      return 'larger than 64 kB: the API has it';
    case 'unknown':
      return 'Temporal has forgotten the history it stands in';
    default:
      return input satisfies never;
  }
}

function resultText({ session, id, call, content: { result } }: ShownCall): string {
  switch (result.kind) {
    case 'kept':
      return result.content.map(blockText).join('\n');
    case 'too-large':
      return `too large for Temporal: the API has it, and on its host \`holdfast logs ${session} ${id}\``;
    case 'none':
      return `none: ${call === undefined ? 'Temporal has no history of one' : oneLine(call.why)}`;
    default:
      return result satisfies never;
  }
}

/** Only texts can be shown here. */
function blockText(block: ContentBlock): string {
  return block.type === 'text' ? printable(block.text) : `[${block.type}]`;
}
