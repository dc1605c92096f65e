/** The events that answer a call, and the SDK's mapping of a tool's return value to their content. */
import type { BetaManagedAgentsUserToolResultEventParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';

/** A content block that `user.tool_result` and `user.custom_tool_result` accept. */
export type ContentBlock = NonNullable<BetaManagedAgentsUserToolResultEventParams['content']>[number];

/** The event types of calls that a runner may serve; `agent.mcp_tool_use` runs on the server. */
export type ToolUseType = 'agent.tool_use' | 'agent.custom_tool_use';

export type ResultEvent =
  | { type: 'user.tool_result'; tool_use_id: string; is_error: boolean; content: ContentBlock[] }
  | {
      type: 'user.custom_tool_result';
      custom_tool_use_id: string;
      is_error: boolean;
      content: ContentBlock[];
    };

const NO_OUTPUT = '(no output)';

/** A text block the API accepts: it refuses an empty text, and a lone surrogate fails the request (api.md §1.6.8). */
export function textBlock(text: string): ContentBlock {
  return { type: 'text', text: text.trim() === '' ? NO_OUTPUT : text.toWellFormed() };
}

/**
 * The result event that answers a call: each kind of call takes only its own kind of result (I6).
 */
export function resultEvent(
  call: { readonly id: string; readonly type: ToolUseType },
  isError: boolean,
  content: readonly ContentBlock[],
): ResultEvent {
  return call.type === 'agent.custom_tool_use'
    ? {
        type: 'user.custom_tool_result',
        custom_tool_use_id: call.id,
        is_error: isError,
        content: [...content],
      }
    : { type: 'user.tool_result', tool_use_id: call.id, is_error: isError, content: [...content] };
}

/**
 * Maps what a tool returned (a string, or Messages-API blocks) to session content, as the SDK's
 * `toSessionContent` does: text, image, document and search_result pass through, anything else becomes its
 * JSON in a text block. Unlike the SDK no blank text and no empty nested block gets through (W-19).
 *
 * @param returned `string | Array<block>`; every other value is a programming error of the tool: see `kind`.
 */
export function toContent(
  returned: unknown,
): { kind: 'content'; content: ContentBlock[] } | { kind: 'unusable'; reason: string } {
  if (typeof returned === 'string') return { kind: 'content', content: [textBlock(returned)] };
  if (!Array.isArray(returned)) {
    const what = returned === null ? 'null' : typeof returned;
    return {
      kind: 'unusable',
      reason: `the tool returned ${what}, not a string or an array of content blocks`,
    };
  }
  const content = returned.map(toBlock);
  return { kind: 'content', content: content.length > 0 ? content : [textBlock('')] };
}

function toBlock(block: unknown): ContentBlock {
  if (!isRecord(block)) return textBlock(asJson(block));
  switch (block.type) {
    case 'text':
      return textBlock(typeof block.text === 'string' ? block.text : '');
    case 'image':
    case 'document':
      return block as unknown as ContentBlock;
    case 'search_result':
      return searchResult(block);
    default:
      return textBlock(asJson(block));
  }
}

/** Field by field, with `citations` filled in: the Sessions API requires it, the Messages API does not. */
function searchResult(block: Record<string, unknown>): ContentBlock {
  const nested = Array.isArray(block.content) ? block.content : [];
  const texts = nested.flatMap(part => {
    const text = isRecord(part) && typeof part.text === 'string' ? part.text : '';
    return text.trim() === '' ? [] : [{ type: 'text' as const, text: text.toWellFormed() }];
  });
  const citations = isRecord(block.citations) ? block.citations : {};
  return {
    type: 'search_result',
    source: String(block.source ?? '').toWellFormed(),
    title: String(block.title ?? '').toWellFormed(),
    content: texts.length > 0 ? texts : [{ type: 'text', text: NO_OUTPUT }],
    citations: { enabled: citations.enabled === true },
  };
}

function asJson(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
