/** What a delivery of results comes to, as data, and how results are cut into requests. */
import { resultEvent } from '../session/answers.ts';
import type { RawEvent } from './event-stream.ts';
import type { PostItem } from './read-back.ts';

export interface Disposition {
  readonly id: string;
  /** `alone`: not settled; post it again by itself, so that it does not hold up the others. */
  readonly kind: 'posted' | 'answered-elsewhere' | 'void' | 'refused' | 'alone';
  readonly reason?: string;
  /** `processed_at` of our result, where the server told it. */
  readonly at?: string | null;
}

/** What a later attempt needs to know of an earlier one; plain JSON. */
export interface DeliveryProgress {
  readonly settled: readonly Disposition[];
  /** Call id → Unix milliseconds of its first refusal. */
  readonly refusedSince: Readonly<Record<string, number>>;
}

export type Delivery =
  | { readonly kind: 'settled'; readonly dispositions: Disposition[] }
  /** Try again later. `pending`: the API refuses a result and it is not clear yet why. */
  | {
      readonly kind: 'again';
      readonly why: 'unavailable' | 'unauthorized' | 'pending';
      readonly reason: string;
      readonly retryAfterMs?: number;
    };

/** The stamp that the server gave a posted result, from its echo in the response. */
export function stampFor(item: PostItem, echoes: readonly RawEvent[]): string | null {
  const echo = echoes.find(event => (event.tool_use_id ?? event.custom_tool_use_id) === item.id);
  return typeof echo?.processed_at === 'string' ? echo.processed_at : null;
}

/** Cuts results into requests of at most `limit` bytes of JSON, in order; a larger result travels alone. */
export function requestsOf(items: readonly PostItem[], limit: number): PostItem[][] {
  const cut: PostItem[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(resultEvent(item, item.isError, item.content))) + 1;
    const last = cut.at(-1);
    if (last !== undefined && bytes + size <= limit) {
      last.push(item);
      bytes += size;
    } else {
      cut.push([item]);
      bytes = size;
    }
  }
  return cut;
}
