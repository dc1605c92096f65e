/** Pages of a list that only grows at its end: `limit`, `page`, `next_page` (api.md §1.1). */
import { ApiError } from './api-error.ts';

export interface Page<T> {
  readonly data: T[];
  readonly next_page: string | null;
}

/** @param limits the largest `limit`, and the one where none is given. */
export function readPage<T>(
  all: readonly T[],
  query: Readonly<Record<string, string>>,
  limits: { readonly max: number; readonly standard: number },
): Page<T> {
  const limit = query.limit === undefined ? limits.standard : Number(query.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.max) {
    throw new ApiError(400, `limit: must be between 1 and ${limits.max}, not ${JSON.stringify(query.limit)}`);
  }
  const start = query.page === undefined ? 0 : positionOf(query.page);
  const data = all.slice(start, start + limit);
  const next = start + limit;
  return {
    data,
    next_page: next < all.length ? `page_${Buffer.from(String(next)).toString('base64url')}` : null,
  };
}

function positionOf(page: string): number {
  const position = Buffer.from(page.replace(/^page_/, ''), 'base64url').toString();
  if (/^\d{1,15}$/.test(position)) return Number(position);
  throw new ApiError(400, `page: ${JSON.stringify(page)} is not a page cursor of this list`);
}
