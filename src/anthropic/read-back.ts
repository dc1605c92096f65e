/** Finds out who answered a call when the API refuses our answer: a refusal alone says nothing (§2.6). */
import { isDeepStrictEqual } from 'node:util';
import type { ContentBlock, ToolUseType } from '../session/answers.ts';
import type { RawEvent } from './event-stream.ts';
import type { ListedType, SessionFeed } from './session-feed.ts';

/** A result on its way to the API. */
export interface PostItem {
  /** The call's event id. */
  readonly id: string;
  readonly type: ToolUseType;
  /** Unix milliseconds of when we first saw the call: ages never count from the server's stamps. */
  readonly firstSeenAt: number;
  readonly isError: boolean;
  readonly content: readonly ContentBlock[];
  /** The call's `processed_at`, from which a read-back lists; without it the newest events are read first. */
  readonly processedAt?: string | null;
}

export type Answer =
  /** `at`: its `processed_at`. */
  | { readonly kind: 'own'; readonly at: string | null }
  /** The plain error that we post when a result cannot be delivered. */
  | { readonly kind: 'own-plain'; readonly at: string | null }
  | { readonly kind: 'other'; readonly by: string };

export const PLAIN_ERROR = 'The tool ran, but its result could not be delivered:';

const ANSWERS: readonly ListedType[] = ['user.tool_result', 'user.custom_tool_result', 'agent.tool_result'];
const CALLS: readonly ListedType[] = ['agent.tool_use', 'agent.custom_tool_use'];
const OVERLAP_MS = 60_000;

/**
 * @returns the answers that the server has, by call id; a call without one is absent.
 * @throws what the feed throws.
 */
export async function readBack(
  feed: SessionFeed,
  sessionId: string,
  items: readonly PostItem[],
  signal?: AbortSignal,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const missing = new Map(items.map(item => [item.id, item]));
  const since = overlapBefore(items);
  const pages = feed.listPages(sessionId, {
    // No answer stands before its call: where no stamp bounds the list, the call itself does.
    types: since === undefined ? [...ANSWERS, ...CALLS] : ANSWERS,
    ...(since === undefined ? {} : { since }),
    ...(signal ? { signal } : {}),
    order: 'desc',
  });
  for await (const page of pages) {
    for (const event of page) {
      const id = event.tool_use_id ?? event.custom_tool_use_id ?? event.id;
      const item = typeof id === 'string' ? missing.get(id) : undefined;
      if (item === undefined) continue;
      missing.delete(item.id);
      if (event.id !== item.id) answers.set(item.id, whose(event, item));
    }
    if (missing.size === 0) break;
  }
  return answers;
}

/** From when on a list tells what became of these calls; undefined where one of them has no stamp. */
export function overlapBefore(items: readonly Pick<PostItem, 'processedAt'>[]): string | undefined {
  const stamps = items.map(item => Date.parse(item.processedAt ?? ''));
  const first = Math.min(...stamps);
  return Number.isNaN(first) ? undefined : new Date(first - OVERLAP_MS).toISOString();
}

function whose(event: RawEvent, item: PostItem): Answer {
  const by = String(event.type);
  if (by === 'agent.tool_result') return { kind: 'other', by };
  const at = typeof event.processed_at === 'string' ? event.processed_at : null;
  const content = Array.isArray(event.content) ? event.content : [];
  if (isPlainError(event, content)) return { kind: 'own-plain', at };
  const same = (event.is_error === true) === item.isError && sameContent(content, item.content);
  return same ? { kind: 'own', at } : { kind: 'other', by };
}

function isPlainError(event: RawEvent, content: readonly unknown[]): boolean {
  const first = content[0] as { text?: unknown } | null | undefined;
  return event.is_error === true && typeof first?.text === 'string' && first.text.startsWith(PLAIN_ERROR);
}

/** The server may add fields and fill in nulls; what we sent must be there as we sent it. */
function sameContent(theirs: readonly unknown[], ours: readonly unknown[]): boolean {
  return theirs.length === ours.length && ours.every((block, at) => includes(theirs[at], block));
}

function includes(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) return Array.isArray(whole) && sameContent(whole, part);
  if (typeof part !== 'object' || part === null) return isDeepStrictEqual(whole ?? null, part ?? null);
  if (typeof whole !== 'object' || whole === null) return false;
  return Object.entries(part).every(([key, value]) => includes((whole as RawEvent)[key], value));
}
